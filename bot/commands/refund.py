"""Operators: /refund CHARGE_ID pays a Stars payment back."""

from telegram import Update
from telegram.error import TelegramError

from bot.command import Command
from bot.context import Context, arguments
from bot.payments.payments import end_replaced
from storage.billing import payments, refunds


async def refund(_: Update, context: Context) -> None:
    """Refund at Telegram, then book it. After a crash between the two, Telegram's update or a job books it."""
    if len(arguments(context)) != 1:
        await context.reply(context.t("admin.usage", usage="/refund CHARGE_ID"))
        return
    charge_id, services = arguments(context)[0], context.services
    payer = await services.db.read(lambda conn: payments.payer_of(conn, charge_id))
    if payer is None:
        await context.reply(context.t("admin.refund_unknown"))
        return
    try:
        await context.bot.refund_star_payment(payer, charge_id)
    except TelegramError as error:
        if "ALREADY_REFUNDED" not in str(error).upper():
            await context.reply(context.t("admin.refund_failed", reason=str(error)))
            return
    now = services.clock.now()
    done = await services.db.write(lambda conn: refunds.refund(conn, charge_id, known=services.plans, now=now))
    assert done is not None
    await end_replaced(context, payer)
    await context.reply(context.t("admin.refund_done", taken=done.taken, owed=done.owed))


COMMAND = Command("refund", refund, 110, admin=True)
