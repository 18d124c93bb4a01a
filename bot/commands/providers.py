"""Operators: /providers lists health, prices and limits, with buttons to drain, resume and probe."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, read, rows
from bot.command import Command
from bot.context import Context, arguments
from bot.operators.finding import operator
from bot.operators.reasons import rest_in_words
from engine.gateway.probes import probe_provider
from engine.money import Money
from engine.providers.registry import brand
from engine.routing.health import ProviderState, State
from engine.routing.provider_health import OfferState, Status
from locales.formats import as_code
from storage.database.connection import Connection
from storage.operations import operator_actions, status_pages
from storage.operations import provider_state as units
from storage.operations.status_pages import PageStatus
from storage.reports import failures

MOST_OFFERS = 5
"""The most failing or resting offers that are listed for a provider."""
FAILING_LOOK_BACK = timedelta(hours=6)
MARKS = {
    Status.ANSWERING: "🟢",
    Status.FAILING: "🟡",
    Status.RESTING: "🔴",
    Status.DRAINED: "⚪",
    Status.NO_KEY: "⚪",
}


@dataclass(frozen=True, slots=True)
class _Stored:
    """Facts about providers from the database, by provider."""

    drained_by: Mapping[str, str]
    failing_since: Mapping[str, datetime | None]
    pages: Mapping[str, PageStatus]


async def providers(_: Update, context: Context) -> None:
    """Show every provider, or the one that is named after the command."""
    word, known = " ".join(arguments(context)).lower(), context.services.market.providers
    name = next((each for each in known if word in {each.lower(), brand(each).lower()}), "")
    if word and not name:
        await context.reply(context.t("providers.takes", names=", ".join(known)))
    else:
        await context.reply(*await _page(context, name))


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Show the list below the alert with the pressed button."""
    await context.reply(*await _page(context))


async def _page(context: Context, only: str = "") -> tuple[str, InlineKeyboardMarkup]:
    market = context.services.market
    shown = {name: provider for name, provider in market.providers.items() if only in {"", name}}
    live = [name for name, provider in shown.items() if provider.keys]
    missing = [name for name in shown if name not in live]
    stored = await context.services.db.read(partial(_stored, names=live, now=context.services.clock.now()))
    lines = "\n".join(_line(context, market.health.state(name), stored) for name in live)
    text = context.t("providers.head", lines=lines)
    if missing:
        text += "\n" + context.t("providers.unconfigured", names=", ".join(missing))
    return text, _keyboard(context, live)


def _stored(conn: Connection, names: list[str], now: datetime) -> _Stored:
    since = now - FAILING_LOOK_BACK
    return _Stored(
        units.drained_by(conn),
        {name: failures.failing_since(conn, name, since) for name in names},
        status_pages.current(conn, now),
    )


async def drain(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _set(update, context, args[0], drained=True)


async def resume(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _set(update, context, args[0], drained=False)


async def probe(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """End the provider's cooldowns, and send one real prompt of one token at the operator's cost.

    The prompt goes to an offer that is out of service, if there is one.
    """
    market, name = context.services.market, args[0]
    try:
        error = await probe_provider(market, name, f"probe:{context.request_id}")
    except LookupError:
        await context.reply(context.t("button.stale"))
        return
    if error is None:
        await context.reply(context.t("providers.probed", name=name))
    else:
        await context.reply(context.t("providers.probe_failed", name=name, outcome=str(error).rstrip(".")))
    await _redraw(update, context)


async def _set(update: Update, context: Context, name: str, *, drained: bool) -> None:
    health, services = context.services.market.health, context.services
    if name not in services.market.providers:
        await context.reply(context.t("button.stale"))
        return
    now = services.clock.now()
    by = operator(context)
    await services.db.write(lambda conn: operator_actions.drain(conn, by, name, now, drained=drained))
    if drained:
        health.drain(name)
    else:
        health.resume(name)
    await context.reply(context.t("providers.drained" if drained else "providers.resumed", name=name))
    await _redraw(update, context)


async def _redraw(update: Update, context: Context) -> None:
    """Update the list with the pressed button. An alert, whose buttons belong to any admin, keeps its text."""
    pressed = read((update.callback_query and update.callback_query.data) or "")
    if pressed is not None and pressed.owner:
        await context.edit_or_reply(*await _page(context))


def _line(context: Context, state: ProviderState, stored: _Stored) -> str:
    market = context.services.market
    price = ""
    for offer in market.catalog.offers_of(state.name)[:1]:
        found = market.catalog.book.price(offer.provider, offer.model, market.clock.now())
        if found is not None:
            rates = found.rates(0)
            price = context.t(
                "providers.price",
                model=offer.model,
                input=Money.per_mtok(rates.input),
                output=Money.per_mtok(rates.output),
            )
    status = market.health.status_of(state.name)
    return context.t(
        "providers.line",
        mark=MARKS[status],
        name=state.name,
        status=_status(context, state, status, stored),
        reason=_reason(context, state, status),
        latency=context.t("providers.latency", ms=state.p50_first_token_ms) if state.p50_first_token_ms else "",
        price=price,
        more=_limits(context, state) + _silent_offers(context, state) + _status_page(context, stored, state.name),
    )


def _reason(context: Context, state: ProviderState, status: Status) -> str:
    if status is not Status.RESTING or not state.reason:
        return ""
    return context.t("providers.reason", reason=rest_in_words(context, state.reason))


def _status(context: Context, state: ProviderState, status: Status, stored: _Stored) -> str:
    """Return the state in words: answering, failing (share and start), resting (end), drained (by whom)."""
    if status is Status.DRAINED:
        by = stored.drained_by.get(state.name, "")
        return context.t("providers.is_drained_by", by=as_code(by)) if by else context.t("providers.is_drained")
    if status is Status.RESTING:
        if context.services.market.health.is_locked_out(state.name):
            return context.t("providers.is_out")
        until = context.services.clock.now() + timedelta(seconds=state.seconds)
        return context.t("providers.is_resting", until=until)
    if status is Status.FAILING:
        since = stored.failing_since.get(state.name)
        return context.t(
            "providers.is_failing",
            percent=round(100 * state.failure_chance),
            since=context.t("providers.since", at=since) if since else "",
        )
    return context.t("providers.is_answering")


def _status_page(context: Context, stored: _Stored, name: str) -> str:
    """Return the sentence of the provider's status page if it reports a fault."""
    page = stored.pages.get(name)
    if page is None or page.is_well:
        return ""
    return "\n  · " + context.t("providers.page", said=as_code(page.said))


def _limits(context: Context, state: ProviderState) -> str:
    """Return the learned rate limit, and the remaining requests of free tiers today."""
    catalog, now = context.services.market.catalog, context.services.clock.now()
    text = ""
    if state.requests_per_minute:
        text += context.t("providers.limit", n=state.requests_per_minute)
    for offer in catalog.free.allowed:
        left = catalog.free.left(offer, now) if offer.provider == state.name else None
        if left is not None:
            text += context.t("providers.free", model=offer.model, n=left.today)
    return text


def _silent_offers(context: Context, state: ProviderState) -> str:
    """Return a line for each offer that fails or rests by itself, with the end of the rest."""
    if state.state is State.DRAINED or context.services.market.health.is_locked_out(state.name):
        return ""
    catalog, health = context.services.market.catalog, context.services.market.health
    found = [health.offer_state(offer) for offer in catalog.offers_of(state.name)]
    silent = [each for each in found if each.status in {Status.RESTING, Status.FAILING}]
    lines = [_silent_offer(context, each) for each in silent[:MOST_OFFERS]]
    if len(silent) > MOST_OFFERS:
        lines.append(context.t("providers.offers_more", n=len(silent) - MOST_OFFERS))
    return "".join(f"\n  · {line}" for line in lines)


def _silent_offer(context: Context, offer: OfferState) -> str:
    if offer.status is Status.FAILING:
        return context.t("providers.offer_fails", model=offer.model)
    if offer.until is None:
        return context.t("providers.offer_out", model=offer.model)
    return context.t("providers.offer_rests", model=offer.model, until=offer.until)


def _keyboard(context: Context, names: list[str]) -> InlineKeyboardMarkup:
    owner = context.user.id
    buttons = []
    for name in names:
        drained = context.services.market.health.state(name).state is State.DRAINED
        action = "resume" if drained else "drain"
        buttons.append(button(context.t(f"providers.{action}", name=name), "providers", action, name, owner=owner))
        buttons.append(button(context.t("providers.probe", name=name), "providers", "probe", name, owner=owner))
    return rows(buttons)


COMMAND = Command(
    "providers", providers, 100, admin=True, buttons={"list": show, "drain": drain, "resume": resume, "probe": probe}
)
