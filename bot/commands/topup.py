"""/topup: a Stars invoice for a listed amount or another one. /topup CODE redeems a code."""

import re
from datetime import timedelta

from telegram import Update

from bot.buttons import button, rows
from bot.chat.pending_input import NONE, cancel_button, stop_waiting, wait_for_text
from bot.command import Command, Topic
from bot.commands.terms import agreed
from bot.context import Context, arguments
from bot.payments.star_invoices import send_invoice
from bot.questions.unpaid import ask_now
from engine.money import Money
from storage.billing import codes, orders
from storage.billing.orders import stars_for

AMOUNT_WAIT = timedelta(minutes=10)
_UNIT = r"(?:\$|usd|dollars?|đô(?: la)?)?"
MOST_AMOUNT_CHARS = 60
_LIKE_AMOUNT = re.compile(rf"(?:usd|\$)?\s*([-+]?(?=[.,]*\d)[\d.,]+)\s*{_UNIT}", re.IGNORECASE)
_NUMBER = re.compile(r"([1-9]\d{0,2}(?:[.,]\d{3})+|\d{1,6})(?:[.,](\d{1,2}))?")


async def topup(_: Update, context: Context) -> None:
    given = arguments(context)
    if not given:
        await offer(context)
    elif _like_amount(text := " ".join(given)):
        await _checked_invoice(context, amount_of(text))
    else:
        await _redeem(context, given[0])


async def show_again(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await offer(context)


async def offer(context: Context) -> None:
    state, config = await context.state(fresh=True), context.services.config
    owner = context.user.id
    buttons = [
        button(
            context.t("topup.amount", usd=usd, stars=stars_for(usd, config.per_star)),
            "topup",
            "pay",
            usd.nanousd,
            owner=owner,
        )
        for usd in config.topups
    ]
    buttons.append(button(context.t("topup.other"), "topup", "other", owner=owner))
    owed = context.t("topup.owed", owed=state.owed) if state.owed else ""
    await context.reply(context.t("topup.choose", wallet=state.wallet, owed=owed), rows(buttons))


async def other(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Ask for another amount, and wait for it."""
    await wait_for_text(context, "topup", AMOUNT_WAIT)
    config = context.services.config
    text = context.t("topup.ask", least=config.topup_least, most=config.topup_most)
    await context.reply(text, rows([cancel_button(context, "topup")]))


async def take_amount(context: Context, text: str) -> str | None:
    """Send an invoice for the amount in this text; return a sentence if it contains none."""
    if not _like_amount(text):
        config = context.services.config
        return context.t("topup.no_amount", least=config.topup_least, most=config.topup_most)
    await _checked_invoice(context, amount_of(text))
    return None


async def no_amount(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """End the wait for an amount."""
    await stop_waiting(context)
    await context.edit_or_reply(context.t("topup.cancelled"))


def amount_of(text: str) -> Money | None:
    """Return the amount in a text, with a point or a comma before the cents and the other one between thousands.

    Returns None if it is not in whole cents.
    """
    like = _like_amount(text)
    found = like and _NUMBER.fullmatch(like[1])
    if not found:
        return None
    # int also reads the digits of Arabic, Persian and full-width keyboards
    return Money.usd(f"{int(re.sub(r'[.,]', '', found[1]))}.{''.join(str(int(digit)) for digit in found[2] or '0')}")


async def pay(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send the invoice for an amount of the list, if it is still listed."""
    usd = Money(int(args[0]))
    if usd in context.services.config.topups:
        await _invoice(context, usd, "pay")
    else:
        await context.reply(context.t("button.stale"))


async def pay_own(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send the invoice for another amount, after the user has agreed to the terms."""
    await _checked_invoice(context, Money(int(args[0])))


async def _checked_invoice(context: Context, amount: Money | None) -> None:
    """Send the invoice if the amount is in whole cents and within the limits."""
    config = context.services.config
    if amount is None or amount != amount.rounded(2) or not config.topup_least <= amount <= config.topup_most:
        await context.reply(context.t("topup.out_of_range", least=config.topup_least, most=config.topup_most))
        return
    await _invoice(context, amount, "own")


async def _invoice(context: Context, usd: Money, action: str) -> None:
    """Send an invoice whose payload is our order.

    If the user must agree to the terms first, `action` continues then.
    """
    if not await agreed(context, "topup", action, usd.nanousd):
        return
    state, services = await context.state(), context.services
    order = await services.db.write(
        lambda conn: orders.make_order(
            conn, state.id, orders.TOPUP, usd, services.config.per_star, services.clock.now()
        )
    )
    await send_invoice(context, order)


async def _redeem(context: Context, code: str) -> None:
    state, services = await context.state(), context.services
    used = await services.db.write(lambda conn: codes.redeem(conn, state.id, code, services.clock.now()))
    if used.rate_limited:
        await context.reply(context.t("code.wait"))
    elif used.amount is None:
        await context.reply(context.t("topup.no_codes"))
    else:
        fresh = await context.state(fresh=True)
        key = "topup.redeemed_again" if used.repeated else "topup.redeemed"
        waiting = await ask_now(context)
        keyboard = rows([waiting]) if waiting else None
        await context.reply(context.t(key, usd=used.amount, wallet=fresh.wallet), keyboard)


COMMAND = Command(
    "topup",
    topup,
    8,
    topic=Topic.MONEY,
    buttons={"open": show_again, "pay": pay, "own": pay_own, "other": other, NONE: no_amount},
    take_text=take_amount,
)


def _like_amount(text: str) -> re.Match[str] | None:
    return _LIKE_AMOUNT.fullmatch(text) if len(text) <= MOST_AMOUNT_CHARS else None
