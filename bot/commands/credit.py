"""Operators: /credit ID USD adds to a wallet; an amount below zero takes from it. The bot asks before it books."""

from telegram import Update

from bot.command import Command
from bot.commands.tenants import ask_first, find_tenant, nothing_done, tenant_of
from bot.context import Context, arguments
from engine.money import ZERO, Money
from storage.ledger import transfers

MOST = Money.usd("1000000")


async def credit(_: Update, context: Context) -> None:
    state = await find_tenant(context, "/credit ID USD", 2)
    if state is None:
        return
    text = arguments(context)[1]
    amount = _amount(text)
    if amount is None:
        await context.reply(context.t("admin.bad_change", text=text))
        return
    key = "admin.credit_sure" if amount > ZERO else "admin.debit_sure"
    size = amount if amount > ZERO else -amount
    sure = context.t(key, name=state.name or str(state.id), amount=size, wallet=state.wallet)
    await ask_first(context, sure, "credit", state.id, amount.nanousd, context.request_id.rpartition(":")[2])


async def confirmed(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Book the amount. The number of the command's update is the reference: pressed twice, it is booked once."""
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(_, context, args)
        return
    services, amount = context.services, Money(int(args[1]))
    ref, reason = f"admin:tg:{services.bot_id}:{args[2]}", f"by operator {context.user.id}"
    now = services.clock.now()
    await services.db.write(lambda conn: transfers.adjust(conn, state.id, amount, ref=ref, reason=reason, now=now))
    fresh = await tenant_of(context, args[0])
    assert fresh is not None
    key = "admin.credited" if amount > ZERO else "admin.debited"
    text = context.t(key, name=state.name or str(state.id), wallet=fresh.wallet, owed=fresh.owed)
    await context.edit_or_reply(text)


def _amount(text: str) -> Money | None:
    """Return an amount from -MOST to MOST, or None for any other one, for zero, and for a text that is no amount."""
    try:
        amount = Money.usd(text)
    except ValueError:
        return None
    return amount if amount != ZERO and -MOST <= amount <= MOST else None


COMMAND = Command("credit", credit, 103, admin=True, buttons={"yes": confirmed, "no": nothing_done})
