"""Operators: /providers lists health, prices and limits, with buttons to drain, resume and probe."""

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, read, rows
from bot.command import Command
from bot.context import Context
from engine.gateway.probes import probe as probe_offer
from engine.money import Money
from engine.routing.health import ProviderState, State
from engine.routing.provider_health import OfferState, Status
from storage.operations import provider_state as units

SHOWN_ODDS = 0.005
MOST_OFFERS = 5
"""The offers of a provider that are listed because they do not answer."""
FAILING_MARK = "🟡"
MARKS = {
    State.CLOSED: "🟢",
    State.OPEN: "🔴",
    State.HALF_OPEN: "🟡",
    State.RESTING: "🟠",
    State.DRAINED: "⚪",
}


async def providers(_: Update, context: Context) -> None:
    await context.reply(*_page(context))


async def show(update: Update, context: Context, _: tuple[str, ...]) -> None:
    """Show the list below the alert whose button was pressed."""
    await providers(update, context)


def _page(context: Context) -> tuple[str, InlineKeyboardMarkup]:
    market = context.services.market
    live = [name for name, provider in market.providers.items() if provider.keys]
    missing = [name for name in market.providers if name not in live]
    lines = "\n".join(_line(context, market.health.state(name)) for name in live)
    text = context.t("providers.head", lines=lines)
    if missing:
        text += "\n" + context.t("providers.unconfigured", names=", ".join(missing))
    return text, _keyboard(context, live)


async def drain(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _set(update, context, args[0], drained=True)


async def resume(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _set(update, context, args[0], drained=False)


async def probe(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """End the provider's cooldowns and send one real prompt of one token, which the operator pays.

    It goes to an offer that does not answer, where there is one.
    """
    market, name = context.services.market, args[0]
    offers = [
        o for o in market.catalog.offers_of(name) if market.catalog.book.price(o.provider, o.model, market.clock.now())
    ]
    if not offers:
        await context.reply(context.t("button.stale"))
        return
    silent = {offer for offer in offers if market.health.offer_state(offer).status is not Status.ANSWERING}
    market.health.restore(name)
    offer = min(offers, key=lambda each: each not in silent)
    error = await probe_offer(market, offer, f"probe:{context.request_id}")
    if error is None:
        await context.reply(context.t("providers.probed", name=name))
    else:
        await context.reply(context.t("providers.probe_failed", name=name, outcome=str(error)))
    await _redraw(update, context)


async def _set(update: Update, context: Context, name: str, *, drained: bool) -> None:
    health, services = context.services.market.health, context.services
    if name not in services.market.providers:
        await context.reply(context.t("button.stale"))
        return
    now = services.clock.now()
    await services.db.write(lambda conn: units.set_drained(conn, name, drained, now))
    if drained:
        health.drain(name)
    else:
        health.resume(name)
    await context.reply(context.t("providers.drained" if drained else "providers.resumed", name=name))
    await _redraw(update, context)


async def _redraw(update: Update, context: Context) -> None:
    """Update the list whose button was pressed. An alert, whose buttons belong to any admin, keeps its text."""
    pressed = read((update.callback_query and update.callback_query.data) or "")
    if pressed is not None and pressed.owner:
        await context.edit_or_reply(*_page(context))


def _line(context: Context, state: ProviderState) -> str:
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
    is_failing = state.state is State.CLOSED and market.health.status_of(state.name) is Status.FAILING
    return context.t(
        "providers.line",
        mark=FAILING_MARK if is_failing else MARKS[state.state],
        name=state.name,
        state=context.t("providers.state_failing" if is_failing else f"providers.state_{state.state.value}"),
        since=context.t("providers.since", at=f"{state.since:%H:%M}"),
        reason=context.t("providers.reason", reason=state.reason) if state.reason else "",
        latency=context.t("providers.latency", ms=state.p50_first_token_ms) if state.p50_first_token_ms else "",
        price=price,
        more=_limits(context, state) + _silent_offers(context, state),
    )


def _limits(context: Context, state: ProviderState) -> str:
    """Return the learned facts: failure rate, rate limit, and the rest of the free tiers today."""
    catalog, now = context.services.market.catalog, context.services.clock.now()
    text = (
        context.t("providers.odds", percent=round(100 * state.failure_chance))
        if state.failure_chance >= SHOWN_ODDS
        else ""
    )
    if state.requests_per_minute:
        text += context.t("providers.limit", n=state.requests_per_minute)
    for offer in catalog.free.allowed:
        left = catalog.free.left(offer, now) if offer.provider == state.name else None
        if left is not None:
            text += context.t("providers.free", model=offer.model, n=left.today)
    return text


def _silent_offers(context: Context, state: ProviderState) -> str:
    """Return a line for each offer that fails, or that rests, with the time until which it does."""
    if state.state is State.DRAINED:
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
    return context.t("providers.offer_rests", model=offer.model, until=f"{offer.until:%H:%M:%S}")


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
