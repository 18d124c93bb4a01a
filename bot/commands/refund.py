"""Operators: /refund CHARGE_ID pays a Stars payment back. The bot asks for confirmation."""

from telegram import Update
from telegram.error import TelegramError

from bot.command import Command
from bot.context import Context, arguments
from bot.operators.amounts import owes
from bot.operators.confirming import ask_first, nothing_done, short_of
from bot.operators.finding import name_of, operator, tenant_of
from bot.payments.payments import end_replaced
from storage.billing import payments, refunds
from storage.billing.refunds import RefundResult
from storage.database.connection import Connection, moment
from storage.operations import operator_log

MOST_PAYMENTS = 100_000  # payments of one tenant among which a button's payment is searched


async def refund(_: Update, context: Context) -> None:
    if len(arguments(context)) != 1:
        await context.reply(context.t("admin.usage", usage="/refund CHARGE_ID"))
        return
    charge_id = arguments(context)[0]
    paid = await context.services.db.read(lambda conn: payments.find(conn, charge_id))
    if paid is None:
        await context.reply(context.t("admin.refund_unknown"))
        return
    if paid["refunded_at"]:
        await context.reply(context.t("admin.refund_twice", day=moment(paid["refunded_at"])))
        return
    state = await tenant_of(context, paid["tenant_id"])
    assert state is not None
    sure = context.t("admin.refund_sure", name=name_of(state), stars=paid["stars"], wallet=state.wallet)
    await ask_first(context, sure, "refund", state.id, short_of(charge_id))


async def confirmed(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Refund at Telegram, then book it. After a crash in between, Telegram's update or a job books it."""
    services = context.services
    found = await services.db.read(lambda conn: payments.latest(conn, int(args[0]), MOST_PAYMENTS))
    charge_id = next((each["charge_id"] for each in found if short_of(each["charge_id"]) == args[1]), "")
    payer = await services.db.read(lambda conn: payments.payer_of(conn, charge_id))
    if payer is None:
        await context.edit_or_reply(context.t("admin.refund_unknown"))
        return
    try:
        await context.bot.refund_star_payment(payer, charge_id)
    except TelegramError as error:
        if "ALREADY_REFUNDED" not in str(error).upper():
            await context.edit_or_reply(context.t("admin.refund_failed", reason=str(error)))
            return
    now = services.clock.now()
    by, tenant = operator(context), int(args[0])

    def unit(conn: Connection) -> RefundResult | None:
        done = refunds.refund(conn, charge_id, known=services.plans, now=now)
        operator_log.record(conn, by, "refund", now, tenant=tenant, detail=charge_id)
        return done

    done = await services.db.write(unit)
    assert done is not None
    await end_replaced(context, payer)
    await context.edit_or_reply(context.t("admin.refund_done", taken=done.taken) + owes(context, done.owed))


COMMAND = Command("refund", refund, 110, admin=True, buttons={"yes": confirmed, "no": nothing_done})
