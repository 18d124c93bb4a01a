"""/why: the receipt of the last answer."""

from telegram import Update

import locales
from bot.command import Command
from bot.context import Context
from engine.attempt_record import AttemptRecord
from engine.tenancy import Charge
from storage.ledger import journal


async def why(_: Update, context: Context) -> None:
    state = await context.state()
    found = await context.services.db.read(lambda conn: journal.last_receipt(conn, state.id))
    if found is None:
        await context.reply(context.t("why.none"))
        return
    receipt, costs = found.receipt, context.is_admin or context.services.config.show_costs
    seconds = f"{sum(attempt.duration_ms for attempt in receipt.attempts) / 1000:.1f}"
    text = context.t("why.head", model=receipt.asked, charge=charged(context, found.charge), seconds=seconds)
    kept = next((attempt for attempt in receipt.attempts if attempt.kept), None)
    if kept is not None and kept.usage is not None:
        text += _tokens(context, kept)
    lines = "\n".join(_attempt(context, attempt, costs) for attempt in receipt.attempts)
    text += context.t("why.tried", lines=lines)
    if costs:
        quotes = "\n".join(f"• {q.provider}/{q.model}: {q.expected} USD" for q in receipt.quotes)
        text += context.t("why.route", lines=quotes)
    if dropped := [drop for drop in receipt.drops if drop.reason != "not configured"]:
        text += context.t("why.dropped", lines="\n".join(f"• {d.provider}/{d.model}: {d.reason}" for d in dropped))
    if receipt.list_price is not None:
        text += context.t("why.gpt4o", usd=receipt.list_price)
    await context.reply(text)


def charged(context: Context, charge: Charge) -> str:
    if charge.wallet and charge.allowance_tokens:
        which = "both"
    elif charge.wallet:
        which = "wallet"
    else:
        which = "allowance" if charge.allowance_tokens else "free"
    return context.t(f"why.charge_{which}", usd=charge.wallet, tokens=charge.allowance_tokens)


def _tokens(context: Context, kept: AttemptRecord) -> str:
    assert kept.usage is not None
    return context.t(
        "why.tokens",
        input=kept.usage.input_tokens,
        cached=kept.usage.cached_tokens,
        output=kept.usage.output_tokens,
        estimated=context.t("why.estimated") if kept.usage.estimated else "",
    )


def _attempt(context: Context, attempt: AttemptRecord, costs: bool) -> str:
    return context.t(
        "why.attempt",
        n=attempt.ordinal,
        offer=f"{attempt.provider}/{attempt.model}",
        outcome=_outcome(context, attempt.outcome) + (f" ({attempt.status})" if attempt.status else ""),
        seconds=f"{attempt.duration_ms / 1000:.1f}",
        cost=context.t("why.cost", usd=attempt.cost) if costs else "",
    )


def _outcome(context: Context, outcome: str) -> str:
    """Return the text of an outcome. An old receipt may have one that no longer exists; it is shown as stored."""
    return locales.find(context.language).texts.get(f"why.outcome_{outcome}", outcome.replace("_", " "))


COMMAND = Command("why", why, 10, private_only=False)
