"""A price that changed: old, new, and what that does to the margin.

A price that goes up and down with the hours is one price: new is what the week before has not seen.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from engine.catalog.offers import Offer
from engine.catalog.prices import Price
from engine.money import Money
from scheduler.context import JobContext
from scheduler.job import Job
from storage.database import watermarks
from storage.reports import usage
from storage.reports.usage import UsageRow

WEEK = timedelta(days=7)
HOURS = 7 * 24

Rates = tuple[int, int, int]
"""Input, cached input, output: atto-dollars per token in the first tier."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of an offer: its price when last looked at, and all that it had in the week before."""

    last: Rates
    known: frozenset[Rates]

    @classmethod
    def read(cls, text: str) -> "Seen":
        last, known = json.loads(text)
        return cls(tuple(last), frozenset(tuple(each) for each in known))

    def written(self) -> str:
        return json.dumps([self.last, sorted(self.known)])


async def run(desk: JobContext) -> None:
    now = desk.clock.now()
    for offer in _configured(desk):
        price = desk.market.catalog.book.price(offer.provider, offer.model, now)
        if price is not None:
            await _look(desk, offer, rates(price), now)


def _configured(desk: JobContext) -> Iterable[Offer]:
    catalog = desk.market.catalog
    offers = dict.fromkeys(offer for model in catalog.models.values() for offer in model.offers)
    return [offer for offer in offers if catalog.is_configured(offer.provider)]


async def _look(desk: JobContext, offer: Offer, current: Rates, now: datetime) -> None:
    name = f"price:{offer.name}"
    text = await desk.db.read(lambda conn: watermarks.read(conn, name))
    seen = Seen.read(text) if text is not None else None
    if seen is not None and current in seen.known:
        if current != seen.last:
            await desk.db.write(partial(watermarks.write, name=name, value=Seen(current, seen.known).written()))
        return
    fresh = Seen(current, _of_last_week(desk, offer, now) | {current})
    # Told by whoever writes it first: two clocks see the same change.
    if await desk.db.write(partial(watermarks.replace, name=name, old=text, new=fresh.written())) and seen is not None:
        await _tell(desk, offer, seen.last, current, now)


def _of_last_week(desk: JobContext, offer: Offer, now: datetime) -> frozenset[Rates]:
    book = desk.market.catalog.book
    prices = (book.price(offer.provider, offer.model, now - timedelta(hours=hour)) for hour in range(1, HOURS + 1))
    return frozenset(rates(price) for price in prices if price is not None)


def rates(price: Price) -> Rates:
    first = price.rates(0)
    return first.input, first.cached_input, first.output


async def _tell(desk: JobContext, offer: Offer, old: Rates, new: Rates, now: datetime) -> None:
    today = now.date()
    found = await desk.db.read(lambda conn: usage.rows(conn, today - WEEK + timedelta(days=1), today))
    mine = [row for row in found if (row.provider, row.model) == (offer.provider, offer.model)]
    more = _more(mine, old, new)
    margin = sum((row.margin for row in mine), Money(0))
    values = {
        "offer": offer.name,
        "old": _said(old),
        "new": _said(new),
        "more": f"{'+' if more.nanousd > 0 else ''}{more}",
        "margin": str(margin),
        "after": str(margin - more),
    }
    await desk.notifier.tell_admins("alert.price_changed", values)


def _more(rows: Iterable[UsageRow], old: Rates, new: Rates) -> Money:
    """What the same tokens would have cost more, none of them cached."""
    atto = sum(row.input_tokens * (new[0] - old[0]) + row.output_tokens * (new[2] - old[2]) for row in rows)
    return Money.from_atto(atto)


def _said(prices: Rates) -> str:
    """Input/output in USD per 1M tokens."""
    return "/".join(str(Money.per_mtok(each)) for each in (prices[0], prices[2]))


JOB = Job("prices", "prices", run)
