"""/why: the receipt of the last answer, with its offers, attempts and price."""

from decimal import Decimal
from fractions import Fraction

from telegram import Update

from bot.chat.answer_saver import seconds_of
from bot.command import Command, Topic
from bot.context import Context
from bot.operators.reasons import drop_in_words, outcome_in_words
from bot.spending.prices import price_of
from engine.attempt_record import AttemptRecord
from engine.catalog.tariffs import tariff_of, tokens_worth
from engine.money import ZERO, Money
from engine.tenancy import Charge, Markup
from locales.formats import as_code
from storage.ledger import journal

AUTO = "auto"


async def why(_: Update, context: Context) -> None:
    state = await context.state()
    found = await context.services.db.read(lambda conn: journal.last_receipt(conn, state.id))
    if found is None:
        await context.reply(context.t("why.none"))
        return
    receipt, costs = found.receipt, context.is_admin or context.services.config.show_costs
    price = price_of(context.services.market.catalog, receipt.asked, found.charge)
    charge = charged(context, found.charge, price, found.paid_by)
    text = context.t("why.head", model=receipt.asked, charge=charge, seconds=seconds_of(receipt))
    kept = next((attempt for attempt in receipt.attempts if attempt.kept), None)
    if kept is not None and kept.usage is not None:
        text += _tokens(context, kept)
    lines = "\n".join(_attempt(context, attempt, costs) for attempt in receipt.attempts)
    text += context.t("why.tried", lines=lines)
    if costs:
        quotes = "\n".join(f"• {q.provider}/{q.model}: {context.written(q.expected)}" for q in receipt.quotes)
        text += context.t("why.route", lines=quotes)
    if dropped := [drop for drop in receipt.drops if drop.reason != "not configured"]:
        lines = "\n".join(f"• {d.provider}/{d.model}: {drop_in_words(context, d.reason)}" for d in dropped)
        text += context.t("why.dropped", lines=lines)
    if kept is not None and kept.usage is not None:
        text += _dearer(context, receipt.asked, price, kept.usage.input_tokens + kept.usage.output_tokens)
    if receipt.list_price is not None:
        text += _list_price(context, receipt.list_price, price)
    await context.reply(text)


def _dearer(context: Context, model: str, price: Money, tokens: int) -> str:
    """Return why a model with a markup costs more than `auto` for the same tokens; "" if it does not."""
    catalog = context.services.market.catalog
    tariff, usual = tariff_of(catalog, model), tokens_worth(tariff_of(catalog, AUTO), tokens)
    if not isinstance(tariff, Markup) or not ZERO < usual < price:
        return ""
    return context.t("why.dearer", model=model, times=Decimal(f"{float(tariff.times):g}"), usd=usual)


def _list_price(context: Context, list_price: Money, price: Money) -> str:
    """Compare the price with GPT-4o's list price of the same tokens."""
    text = context.t("why.gpt4o", usd=list_price)
    if price > ZERO and list_price.nanousd >= 2 * price.nanousd:
        text += context.t("why.gpt4o_times", times=round(Fraction(list_price.nanousd, price.nanousd)))
    return text + "."


def charged(context: Context, charge: Charge, price: Money, paid_by: str = "") -> str:
    """Return the price and its sources.

    `price` includes the worth of plan tokens; `paid_by`: a team's or group's name.
    """
    if charge.wallet and charge.allowance_tokens:
        which = "both"
    elif charge.wallet:
        which = "wallet"
    else:
        which = "allowance" if charge.allowance_tokens else "free"
    values = {"usd": price, "wallet": charge.wallet, "tokens": charge.allowance_tokens}
    if paid_by and which != "free":
        return context.t(f"why.sponsor_{which}", **values, name=as_code(paid_by))
    return context.t(f"why.charge_{which}", **values)


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
        outcome=outcome_in_words(context, attempt.outcome) + (f" ({attempt.status})" if attempt.status else ""),
        seconds=(Decimal(attempt.duration_ms) / 1000).quantize(Decimal("0.1")),
        cost=context.t("why.cost", usd=attempt.cost) if costs else "",
    )


COMMAND = Command("why", why, 10, topic=Topic.CHAT, ephemeral=True, takes_words=False)
