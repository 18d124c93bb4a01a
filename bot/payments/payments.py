"""Payments in Stars: pre-checkout queries, payments credited once per charge id, refunds and subscriptions."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from telegram import Update
from telegram.error import TelegramError
from telegram.ext import BaseHandler, MessageHandler, PreCheckoutQueryHandler, TypeHandler, filters

from bot.buttons import button, rows
from bot.context import Context, claimed_update
from bot.payments.stars import StarsClient
from bot.questions.buttons import with_button
from bot.questions.unpaid import ask_now
from locales.button import Button
from storage.billing import orders, payments, plans, refunds, subscriptions
from storage.billing.payments import Payment, PaymentResult
from storage.billing.subscriptions import Subscription
from storage.database.connection import Connection
from storage.telegram import inbox
from storage.tenants import notices, tenants

log = logging.getLogger(__name__)
T = TypeVar("T")
MOST_EPOCHS = 50
"""The number of times that booking a payment is tried; after it the daily reconciliation books it."""


async def pre_checkout(update: Update, context: Context) -> None:
    """Check order, payer, amount and age of an invoice. Telegram allows 10 s for this."""
    query = update.pre_checkout_query
    assert query is not None
    services = context.services

    def unit(conn: Connection) -> str | None:
        return orders.objection(
            conn,
            query.invoice_payload,
            query.from_user.id,
            query.total_amount,
            query.currency,
            services.plans,
            services.clock.now(),
        )

    try:
        objection = await services.db.read(unit)
    except Exception:
        log.exception("a pre-checkout query could not be checked and is refused")
        objection = "later"
    if objection is None:
        await query.answer(ok=True)
    else:
        await query.answer(ok=False, error_message=context.t(f"payment.{objection}"))


async def paid(update: Update, context: Context) -> None:
    """Credit a payment once. After a crash the confirmation may be sent twice or not at all."""
    message = update.message
    assert message is not None
    telegram_payment = message.successful_payment
    assert telegram_payment is not None
    if telegram_payment.currency != "XTR":
        log.error("a payment in %s was not booked: only Stars are accepted", telegram_payment.currency)
        return
    services = context.services
    until = telegram_payment.subscription_expiration_date
    payment = Payment(
        telegram_payment.telegram_payment_charge_id,
        telegram_payment.invoice_payload,
        context.user.id,
        telegram_payment.total_amount,
        _moment(until),
    )
    booked = await _booked(
        context,
        payment,
        lambda conn: payments.pay(
            conn, payment, per_star=services.config.per_star, known=services.plans, now=services.clock.now()
        ),
    )
    claimed = claimed_update.get()
    if booked is None or not (booked.fresh or (claimed is not None and claimed.epoch > 1)):
        return
    await end_replaced(context)
    await _confirm(context, booked)


async def refunded(update: Update, context: Context) -> None:
    """Book a refund that Telegram reports: debit the wallet; any shortage is owed."""
    message = update.message
    assert message is not None
    telegram_refund = message.refunded_payment
    assert telegram_refund is not None
    services = context.services
    unseen = Payment(
        telegram_refund.telegram_payment_charge_id,
        telegram_refund.invoice_payload,
        context.user.id,
        telegram_refund.total_amount,
    )
    done = await _booked(
        context,
        unseen,
        lambda conn: refunds.refund(
            conn,
            unseen.charge_id,
            known=services.plans,
            now=services.clock.now(),
            unseen=unseen,
            per_star=services.config.per_star,
        ),
    )
    if done is None:
        return
    await end_replaced(context)
    owes = context.t("payment.owes", owed=done.owed) if done.owed else ""
    text = context.t("payment.refunded", taken=done.taken, owes=owes)
    if done.ended:
        text += context.t("payment.plan_ended", plan=done.ended)
    await context.reply(text, in_private=True)


async def subscription(update: Update, context: Context) -> None:
    """Record that a subscription was cancelled, resumed, or not paid."""
    data: dict[str, Any] = (update.api_kwargs or {}).get("subscription") or {}
    order_id, user_id = data.get("invoice_payload"), (data.get("user") or {}).get("id")
    state, services = str(data.get("state")), context.services
    if not isinstance(order_id, str) or not isinstance(user_id, int):
        return

    def unit(conn: Connection) -> tuple[Subscription | None, bool]:
        found, payer = subscriptions.of_order(conn, order_id), tenants.by_telegram(conn, user_id)
        if found is None or payer is None or payer.id != found.tenant_id:
            return None, False
        changed = subscriptions.record_state(conn, order_id, state)
        if changed is not None and state == "active":
            plans.schedule_plan(conn, found.tenant_id, None)
        key = f"payment_failed:{found.tenant_id}:{payer.period_no}"
        is_new = state != "failed" or notices.first_time(conn, key, services.clock.now())
        return changed, is_new

    changed, is_new = await services.db.write(unit)
    if changed is not None and is_new:
        await _notify_state(context, user_id, changed)


async def _notify_state(context: Context, user_id: int, changed: Subscription) -> None:
    key = {"canceled": "plan.cancelled", "active": "plan.resumed", "failed": "alert.payment_failed"}[changed.state]
    values = {"plan": changed.plan, "until": changed.until}
    buttons = () if changed.state == "active" else (Button("button.plan", "plan", "open"),)
    await context.notifier.notify(user_id, key, values, buttons)


async def end_replaced(context: Context, payer: int | None = None) -> None:
    """Cancel the replaced subscriptions of the user, or of `payer`, at Telegram. A job retries failures."""
    stars, payer_id = StarsClient(context.bot), payer or context.user.id
    for replaced, user_id in await context.services.db.read(subscriptions.to_cancel):
        if user_id == payer_id and await stars.cancel(replaced, user_id):
            await context.services.db.write(partial(subscriptions.mark_canceled, order_id=replaced.order_id))


async def newer_update(update: Update, context: Context) -> None:
    """Handle the kinds of updates that PTB does not know yet."""
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
    """Return the handlers of payments, which run before all others."""
    return [
        PreCheckoutQueryHandler(pre_checkout),
        MessageHandler(filters.SUCCESSFUL_PAYMENT, paid),
        MessageHandler(filters.StatusUpdate.REFUNDED_PAYMENT, refunded),
    ]


def last_handlers() -> list[BaseHandler[Any, Any, Any]]:
    """Return the handler that runs after all others."""
    return [TypeHandler(Update, newer_update)]


async def _booked(context: Context, payment: Payment, unit: Callable[[Connection], T]) -> T | None:
    """Book a payment or refund, or release the update for a retry if the database fails: no payment may be lost."""
    if not payment.is_bookable:
        log.error("a payment was not booked: %.40r Stars, charge %.60r", payment.stars, payment.charge_id)
        return None
    services, claimed = context.services, claimed_update.get()
    try:
        return await services.db.write(unit)
    except Exception as error:
        is_retried = claimed is not None and claimed.epoch < MOST_EPOCHS
        if claimed is not None and claimed.epoch > 1:
            error.__traceback__ = None  # told at the first try
        log.exception("a payment could not be booked %s, charge %.60r", "yet" if is_retried else "", payment.charge_id)
        if claimed is not None and is_retried:
            await services.db.write(lambda conn: inbox.release(conn, claimed.id, claimed.epoch))
        return None


async def _confirm(context: Context, booked: PaymentResult) -> None:
    state = await context.state(fresh=True)
    keyboard = None
    if booked.plan:
        text = context.t("payment.plan", plan=booked.plan, until=state.renews_at)
        text += context.t("plan.unused", usd=booked.unused) if booked.unused else ""
    elif booked.is_shared:
        text = context.t("payment.credited_shared", usd=booked.credited)
    else:
        text = context.t("payment.credited", usd=booked.credited, wallet=state.wallet)
    if booked.kept:
        text += "\n\n" + context.t(f"payment.kept_{booked.kept}")
        keyboard = rows([button(context.t("button.plan"), "plan", "open", owner=context.user.id)])
    if waiting := await ask_now(context):
        keyboard = with_button(keyboard, waiting)
    try:
        await context.reply(text, keyboard, in_private=True)
    except TelegramError as error:
        log.info("the confirmation of a payment could not be sent: %s", error)


def _moment(date: Any) -> datetime | None:
    if date is None:
        return None
    return date if isinstance(date, datetime) else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(date))
