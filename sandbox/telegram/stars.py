"""Stars: invoices paid through pre-checkout, subscriptions, refunds, and the list of transactions."""

import asyncio
import json
import time
from typing import Any

from sandbox.telegram.refusals import missing, refuse
from sandbox.telegram.world import PRECHECKOUT_SECONDS, World

PERIOD_SECONDS = 2_592_000
MOST_SUBSCRIPTION_STARS = 10_000


def invoice(params: dict[str, Any], *, link: bool) -> dict[str, Any]:
    """What sendInvoice and createInvoiceLink take. Raises Telegram's refusals."""
    title, payload = str(params.get("title", "")), str(params.get("payload", ""))
    if not 1 <= len(title) <= 32:  # noqa: PLR2004 - Telegram's
        raise refuse("title")
    if not 1 <= len(str(params.get("description", ""))) <= 255:  # noqa: PLR2004
        raise refuse("invoice_description")
    if not 1 <= len(payload.encode()) <= 128:  # noqa: PLR2004
        raise refuse("payload")
    if params.get("currency") != "XTR":
        raise refuse("currency")
    prices = json.loads(params.get("prices") or "[]")
    if (
        len(prices) != 1
        or not isinstance(prices[0].get("amount"), int)
        or prices[0]["amount"] < 1
        or params.get("provider_token")
    ):
        raise refuse("prices")
    period = int(params.get("subscription_period") or 0)
    if period and (not link or period != PERIOD_SECONDS or prices[0]["amount"] > MOST_SUBSCRIPTION_STARS):
        raise refuse("period")
    return {
        "title": title,
        "description": params["description"],
        "payload": payload,
        "currency": "XTR",
        "total_amount": prices[0]["amount"],
        "period": period,
    }


async def pay(world: World, chat_id: int, user_id: int, offered: dict[str, Any]) -> dict[str, Any]:
    """Pre-checkout, then the payment; {"ok": False, "error"} when the bot refuses or is too slow."""
    name = world.name("checkout")
    answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    world.checkouts[name] = answered
    query = {
        "id": name,
        "from": world.users[user_id],
        "currency": "XTR",
        "total_amount": offered["total_amount"],
        "invoice_payload": offered["payload"],
    }
    world.updates.push("pre_checkout_query", query)
    try:
        answer = await asyncio.wait_for(answered, PRECHECKOUT_SECONDS)
    except TimeoutError:
        return {"ok": False, "error": "The bot did not answer in 10 seconds."}
    finally:
        del world.checkouts[name]
    if not answer["ok"]:
        return {"ok": False, "error": answer["error_message"]}
    charge_id = paid(world, chat_id, user_id, offered)
    return {"ok": True, "charge_id": charge_id}


def paid(world: World, chat_id: int, user_id: int, offered: dict[str, Any], *, renewal: bool = False) -> str:
    """The message that says so; its charge id."""
    charge_id = world.name("stx")
    payment: dict[str, Any] = {
        "currency": "XTR",
        "total_amount": offered["total_amount"],
        "invoice_payload": offered["payload"],
        "telegram_payment_charge_id": charge_id,
        "provider_payment_charge_id": "",
    }
    if offered["period"]:
        payment["subscription_expiration_date"] = int(time.time()) + PERIOD_SECONDS
        payment["is_recurring"] = True
        payment["is_first_recurring"] = not renewal
    world.payments[charge_id] = {**payment, "user_id": user_id, "date": int(time.time()), "refunded": False}
    world.star_log.append((charge_id, False, int(time.time())))
    world.say(chat_id, user_id, "", successful_payment=payment)
    return charge_id


def refund(world: World, user_id: int, charge_id: str) -> None:
    """By the bot, or by Telegram itself."""
    payment = world.payments.get(charge_id)
    if payment is None or payment["user_id"] != user_id:
        raise refuse("no_charge")
    if payment["refunded"]:
        raise refuse("refunded")
    payment["refunded"] = True
    world.star_log.append((charge_id, True, int(time.time())))
    told = {
        name: payment[name] for name in ("currency", "total_amount", "invoice_payload", "telegram_payment_charge_id")
    }
    world.say(user_id, user_id, "", refunded_payment=told)


def transactions(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Oldest first; a refund has the id of its payment, and a receiver."""
    rows = []
    for charge_id, is_refund, date in world.star_log:
        payment = world.payments[charge_id]
        partner: dict[str, Any] = {
            "type": "user",
            "user": world.users[payment["user_id"]],
            "transaction_type": "invoice_payment",
        }
        if payment.get("is_recurring"):
            partner["subscription_period"] = PERIOD_SECONDS
        row = {"id": charge_id, "amount": payment["total_amount"], "date": date}
        source = {**partner, "invoice_payload": payment["invoice_payload"]}
        rows.append({**row, "receiver": partner} if is_refund else {**row, "source": source})
    start, most = int(params.get("offset") or 0), min(100, int(params.get("limit") or 100))
    return {"transactions": rows[start : start + most]}


def edit_subscription(world: World, params: dict[str, Any]) -> bool:
    if "telegram_payment_charge_id" not in params:
        raise missing("telegram_payment_charge_id")
    payment = world.payments.get(params["telegram_payment_charge_id"])
    if payment is None or not payment.get("is_recurring"):
        raise refuse("no_charge")
    payment["canceled"] = str(params.get("is_canceled")).lower() == "true"
    return True
