"""Operators: /credit ID USD adds to a wallet, a negative amount takes from it. The bot asks before booking."""

from functools import partial

from telegram import InlineKeyboardMarkup, Update

from bot.command import Command
from bot.context import Context, arguments
from bot.operators.amounts import amount_written, owes
from bot.operators.confirming import about_oneself, ask_first, nothing_done, undo_button
from bot.operators.finding import find_tenant, name_of, operator, tenant_of
from engine.money import ZERO, Money
from storage.operations import operator_actions

MOST = Money.usd("1000000")


async def credit(_: Update, context: Context) -> None:
    state = await find_tenant(context, "/credit ID USD", after=1)
    if state is None:
        return
    text = arguments(context)[-1]
    amount = _amount(context, text)
    if amount is None:
        await context.reply(context.t("admin.bad_change", text=text))
        return
    key = "admin.credit_sure" if amount > ZERO else "admin.debit_sure"
    size = amount if amount > ZERO else -amount
    sure = context.t(key, name=name_of(state), amount=size, wallet=state.wallet)
    await ask_first(
        context,
        about_oneself(context, state) + sure,
        "credit",
        state.id,
        amount.nanousd,
        context.request_id.rpartition(":")[2],
    )


async def confirmed(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Book the amount. The id of the command's update is the reference, so that a second press books nothing."""
    ref = f"admin:tg:{context.services.bot_id}:{args[2]}"
    if await _book(update, context, args, Money(int(args[1])), ref, "credit"):
        await _tell(context, args, Money(int(args[1])), undo_button(context, "credit", *args))


async def undo(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Book the opposite amount, once. A part of the credit that was spent meanwhile is booked as owed."""
    ref = f"admin:tg:{context.services.bot_id}:{args[2]}:undo"
    if await _book(update, context, args, -Money(int(args[1])), ref, "undo: credit"):
        await _tell(context, args, -Money(int(args[1])), None)


async def _book(update: Update, context: Context, args: tuple[str, ...], amount: Money, ref: str, action: str) -> bool:
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(update, context, args)
        return False
    by, now = operator(context), context.services.clock.now()
    adjust = partial(operator_actions.adjust_wallet, by=by, tenant_id=state.id, amount=amount, now=now)
    await context.services.db.write(lambda conn: adjust(conn, ref=ref, action=action))
    return True


async def _tell(context: Context, args: tuple[str, ...], amount: Money, keyboard: InlineKeyboardMarkup | None) -> None:
    fresh = await tenant_of(context, args[0])
    assert fresh is not None
    key = "admin.credited" if amount > ZERO else "admin.debited"
    text = context.t(key, name=name_of(fresh), wallet=fresh.wallet) + owes(context, fresh.owed)
    await context.edit_or_reply(text, keyboard)


def _amount(context: Context, text: str) -> Money | None:
    """Return an amount from -MOST to MOST; None for zero, other amounts, and text that is not an amount."""
    is_negative = text[0] in "-\u2212\u2013"
    size = amount_written(context, text[1:] if is_negative else text)
    if size is None or size > MOST:
        return None
    return -size if is_negative else size


COMMAND = Command("credit", credit, 103, admin=True, buttons={"yes": confirmed, "undo": undo, "no": nothing_done})
