"""Where money comes in: pre-checkout at once, each charge id credited once, refunds booked."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from telegram import Update
from telegram.ext import BaseHandler, MessageHandler, PreCheckoutQueryHandler, TypeHandler, filters

from bot.context import Context
from storage import payments, tenants
from storage.connection import Connection

log = logging.getLogger(__name__)


async def pre_checkout(update: Update, context: Context) -> None:
    """Telegram gives 10 s; the order, the payer, the amount and its age are looked at."""
    query = update.pre_checkout_query
    assert query is not None
    services = context.services
    objection = await services.db.read(
        lambda conn: payments.objection(
            conn, query.invoice_payload, query.from_user.id, query.total_amount, services.clock.now()
        )
    )
    if query.currency != "XTR":
        objection = "amount"
    if objection is None:
        await query.answer(ok=True)
    else:
        await query.answer(ok=False, error_message=context.t(f"payment.{objection}"))


async def paid(update: Update, context: Context) -> None:
    """What was paid is credited, once."""
    message = update.message
    assert message is not None
    payment = message.successful_payment
    assert payment is not None
    services = context.services
    until = payment.subscription_expiration_date
    booked = await services.db.write(
        lambda conn: payments.pay(
            conn,
            charge_id=payment.telegram_payment_charge_id,
            order_id=payment.invoice_payload,
            user_id=context.user.id,
            stars=payment.total_amount,
            per_star=services.config.per_star,
            plans=services.plans,
            now=services.clock.now(),
            subscription_until=_moment(until),
        )
    )
    if not booked.fresh:
        return
    state = await context.state(fresh=True)
    if booked.plan:
        await context.reply(context.t("payment.plan", plan=booked.plan, until=f"{state.renews_at:%Y-%m-%d}"))
    else:
        await context.reply(context.t("payment.credited", usd=str(booked.credited), wallet=str(state.wallet)))


async def refunded(update: Update, context: Context) -> None:
    """Telegram has given Stars back: the wallet gives back what it has, and owes the rest."""
    message = update.message
    assert message is not None
    assert message.refunded_payment is not None
    charge_id, services = message.refunded_payment.telegram_payment_charge_id, context.services
    done = await services.db.write(lambda conn: payments.refund(conn, charge_id, services.clock.now()))
    if done is None:
        log.warning("a refund of an unknown payment was reported")
    elif done.fresh:
        await context.reply(context.t("payment.refunded", taken=str(done.taken), owed=str(done.owed)))


async def subscription(update: Update, context: Context) -> None:
    """A subscription was cancelled, taken up again, or its payment failed."""
    data: dict[str, Any] = (update.api_kwargs or {}).get("subscription") or {}
    user_id = (data.get("user") or {}).get("id")
    if not isinstance(user_id, int):
        return
    services = context.services

    def unit(conn: Connection) -> None:
        state = tenants.by_telegram(conn, user_id)
        if state is not None:
            payments.cancel_subscription(conn, state.id, str(data.get("state", "canceled")))

    await services.db.write(unit)


async def newer_update(update: Update, context: Context) -> None:
    """Kinds of updates that PTB has no name for yet."""
    more = update.api_kwargs or {}
    if "stopped_message_generation" in more:
        stopped = more["stopped_message_generation"] or {}
        chat = (stopped.get("chat") or {}).get("id")
        if isinstance(chat, int):
            thread = stopped.get("message_thread_id")
            context.services.answers.stop(chat, thread if isinstance(thread, int) else None)
    elif "subscription" in more:
        await subscription(update, context)


def handlers() -> list[BaseHandler[Any, Any, Any]]:
    return [
        PreCheckoutQueryHandler(pre_checkout),
        MessageHandler(filters.SUCCESSFUL_PAYMENT, paid),
        MessageHandler(filters.StatusUpdate.REFUNDED_PAYMENT, refunded),
    ]


def last_handlers() -> list[BaseHandler[Any, Any, Any]]:
    """After all others: what nobody else knows."""
    return [TypeHandler(Update, newer_update)]


def _moment(date: Any) -> datetime | None:
    if date is None:
        return None
    return date if isinstance(date, datetime) else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(date))
