"""Alerts about prices that changed (old, new, the effect on the margin), that can't be read, or that are gone.

A price that varies with the hour counts as one price: only one that its price list does not repeat each week is new.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from engine.catalog.offers import Offer, Price
from engine.money import Money
from scheduler.admin_notices import deliver
from scheduler.context import JobContext
from scheduler.job import Job
from storage.alerts import admin_notices
from storage.database import watermarks
from storage.database.connection import Connection
from storage.reports import usage
from storage.reports.usage import UsageRow

WEEK = timedelta(days=7)
HOURS = 7 * 24
_UNREADABLE, _GONE, _READABLE = "yes", "gone", "no"
_KEYS = {_UNREADABLE: "alert.price_unreadable", _GONE: "alert.price_gone", _READABLE: "alert.price_readable"}

Rates = tuple[int, int, int]
"""Input, cached input, output: atto-dollars per token in the first tier."""


@dataclass(frozen=True, slots=True)
class KnownPrices:
    """The stored prices of an offer: the latest, and all between which its price list changed with the hour."""

    last: Rates
    known: frozenset[Rates]

    @classmethod
    def read(cls, text: str) -> "KnownPrices":
        last, known = json.loads(text)
        return cls(tuple(last), frozenset(tuple(each) for each in known))

    def to_text(self) -> str:
        return json.dumps([self.last, sorted(self.known)])


async def run(context: JobContext) -> None:
    now = context.clock.now()
    for offer in _configured(context):
        book = context.market.catalog.book
        price = book.price(offer.provider, offer.model, now)
        unreadable = price is None and book.is_unreadable(offer.provider, offer.model, now)
        await _check_readable(context, offer, price, unreadable=unreadable)
        if price is not None:
            await _check(context, offer, rates(price), now)


def _configured(context: JobContext) -> Iterable[Offer]:
    catalog = context.market.catalog
    offers = dict.fromkeys(offer for model in catalog.models.values() for offer in model.offers)
    return [offer for offer in offers if catalog.configured(offer.provider)]


async def _check(context: JobContext, offer: Offer, current: Rates, now: datetime) -> None:
    name = _stored_at(offer)
    text = await context.db.read(lambda conn: watermarks.read(conn, name))
    seen = KnownPrices.read(text) if text is not None else None
    if seen is not None and current in seen.known:
        if current != seen.last:
            known = KnownPrices(current, seen.known)
            await context.db.write(partial(watermarks.write, name=name, value=known.to_text()))
        return
    updated = KnownPrices(current, _rates_of_the_hours(context, offer, now) | {current})
    values = None if seen is None else await _change(context, offer, seen.last, current, now)
    await _replace_and_tell(context, name, text, updated.to_text(), "alert.price_changed", values)


async def _replace_and_tell(
    context: JobContext, name: str, old: str | None, new: str, key: str, values: Mapping[str, object] | None
) -> None:
    """Replace a stored value and queue the notice about it in one transaction, so that a killed process loses neither.

    If two processes do this at once, only one replaces the value and queues. `values` None: no notice.
    """
    now = context.clock.now()

    def unit(conn: Connection) -> bool:
        is_told = watermarks.replace(conn, name, old, new) and values is not None
        if is_told:
            admin_notices.queue(conn, key, values or {}, now)
        return is_told

    if await context.db.write(unit):
        await deliver(context.db, context.notifier, context.clock)


def _stored_at(offer: Offer) -> str:
    return f"price:{offer.name}"


async def _check_readable(context: JobContext, offer: Offer, price: Price | None, *, unreadable: bool) -> None:
    """Alert once when the price of an offer can't be read or has gone, and once when it is there again.

    An offer that never had a price has not lost it.
    """
    name = f"unreadable price:{offer.name}"

    def stored(conn: Connection) -> tuple[str | None, bool]:
        return watermarks.read(conn, name), watermarks.read(conn, _stored_at(offer)) is not None

    text, was_known = await context.db.read(stored)
    is_gone = price is None and not unreadable and was_known
    state = _UNREADABLE if unreadable else _GONE if is_gone else _READABLE
    if state == (text or _READABLE) or (state == _READABLE and price is None):
        return
    values = {"offer": offer.name, **_shown(price)}
    await _replace_and_tell(context, name, text, state, _KEYS[state], values)


def _shown(price: Price | None) -> dict[str, object]:
    if price is None:
        return {}
    input_atto, _, output_atto = rates(price)
    return {"input": Money.per_mtok(input_atto), "output": Money.per_mtok(output_atto)}


def _rates_of_the_hours(context: JobContext, offer: Offer, now: datetime) -> frozenset[Rates]:
    """Return the prices between which the present price list changes with the hour.

    They are in the past week and in the coming one. A price that ended in the past week is not among them, even if its
    end was dated back, so that a return to it is reported; nor is one that begins in the coming week.
    """
    book = context.market.catalog.book

    def within(hours: Iterable[int]) -> frozenset[Rates]:
        found = (book.price(offer.provider, offer.model, now + timedelta(hours=hour)) for hour in hours)
        return frozenset(rates(price) for price in found if price is not None)

    return within(range(-HOURS, 0)) & within(range(1, HOURS + 1))


def rates(price: Price) -> Rates:
    first = price.rates(0)
    return first.input, first.cached_input, first.output


async def _change(context: JobContext, offer: Offer, old: Rates, new: Rates, now: datetime) -> dict[str, object]:
    """Return the values for the message about a new price."""
    today = now.date()
    found = await context.db.read(lambda conn: usage.rows(conn, today - WEEK + timedelta(days=1), today))
    rows = [row for row in found if (row.provider, row.model) == (offer.provider, offer.model)]
    extra = _extra_cost(rows, old, new)
    margin = sum((row.margin for row in rows), Money(0))
    return {
        "offer": offer.name,
        "old_input": Money.per_mtok(old[0]),
        "old_output": Money.per_mtok(old[2]),
        "new_input": Money.per_mtok(new[0]),
        "new_output": Money.per_mtok(new[2]),
        "more": extra,
        "margin": margin,
        "after": margin - extra,
    }


def _extra_cost(rows: Iterable[UsageRow], old: Rates, new: Rates) -> Money:
    """Return the extra cost of the same tokens at the new price, with all input taken as uncached."""
    atto = sum(row.input_tokens * (new[0] - old[0]) + row.output_tokens * (new[2] - old[2]) for row in rows)
    return Money.from_atto(atto)


JOB = Job("prices", "prices", run)
