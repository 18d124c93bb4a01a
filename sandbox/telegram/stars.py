"""Telegram Stars: invoices paid through pre-checkout, subscriptions, refunds, and the list of transactions."""

import asyncio
import time
from typing import Any

from sandbox.telegram.messages import sent
from sandbox.telegram.params import Params, decoded, is_true, number, required
from sandbox.telegram.refusals import missing, refuse
from sandbox.telegram.world import PRECHECKOUT_SECONDS, World

PERIOD_SECONDS = 2_592_000
MOST_SUBSCRIPTION_STARS = 10_000
MOST_TRANSACTIONS = 100
MOST_TITLE, MOST_DESCRIPTION, MOST_PAYLOAD_BYTES = 32, 255, 128
Offered = dict[str, Any]


# --- methods ----------------------------------------------------------------------------------------------


async def send_invoice(world: World, params: Params) -> Any:
    offered = _offered(params)
    if number(params, "subscription_period"):
        raise refuse("period")
    shown = {name: offered[name] for name in ("title", "description", "currency", "total_amount")}
    message = sent(world, params, {"invoice": {**shown, "start_parameter": str(params.get("start_parameter") or "")}})
    keys = [key for row in message.get("reply_markup", {}).get("inline_keyboard", []) for key in row]
    if keys and not keys[0].get("pay"):
        world.delete(message["chat"]["id"], message["message_id"])
        raise refuse("pay_first")
    world.links[f"message {message['chat']['id']} {message['message_id']}"] = offered
    return message


async def create_invoice_link(world: World, params: Params) -> Any:
    offered = _offered(params)
    period = number(params, "subscription_period")
    if params.get("subscription_period") and period != PERIOD_SECONDS:
        raise refuse("period")
    if period and offered["total_amount"] > MOST_SUBSCRIPTION_STARS:
        raise refuse("amount")
    name = world.name("invoice")
    world.links[name] = {**offered, "period": period}
    return f"https://t.me/${name}"


async def answer_pre_checkout_query(world: World, params: Params) -> Any:
    waiting = world.checkouts.get(required(params, "pre_checkout_query_id"))
    if waiting is None or waiting.done():
        raise refuse("old_query")
    answer = {"ok": is_true(params.get("ok")), "error_message": str(params.get("error_message") or "")}
    if not answer["ok"] and not answer["error_message"]:
        raise missing("error_message")
    waiting.set_result(answer)
    return True


async def refund_star_payment(world: World, params: Params) -> Any:
    refund(world, number(params, "user_id"), str(params.get("telegram_payment_charge_id") or ""))
    return True


async def get_star_transactions(world: World, params: Params) -> Any:
    """Return the transactions, oldest first. A refund has the id of its payment, and a receiver."""
    start, most = max(0, number(params, "offset")), number(params, "limit")
    most = most if 1 <= most <= MOST_TRANSACTIONS else MOST_TRANSACTIONS
    return {"transactions": world.star_rows[start : start + most]}


async def get_my_star_balance(world: World, _: Params) -> Any:
    return {"amount": sum(row["amount"] * (1 if "source" in row else -1) for row in world.star_rows)}


async def edit_user_star_subscription(world: World, params: Params) -> Any:
    """Cancel a subscription at the end of its period (True), or allow its renewal again (False)."""
    required(params, "is_canceled")
    payment = world.payments.get(required(params, "telegram_payment_charge_id"))
    if payment is None or not payment.get("is_recurring") or payment["user_id"] != number(params, "user_id"):
        raise refuse("no_charge")
    payment["canceled"] = is_true(params.get("is_canceled"))
    return True


# --- actions of people and of Telegram ----------------------------------------------------------------------


async def pay(world: World, chat_id: int, user_id: int, offered: Offered) -> dict[str, Any]:
    """Ask for pre-checkout, then pay. Return {"ok": False, "error"} if the bot refuses or is too slow."""
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
        async with asyncio.timeout(world.precheckout_seconds):
            answer = await answered
    except TimeoutError:
        return {"ok": False, "error": f"The bot did not answer in {PRECHECKOUT_SECONDS:.0f} seconds."}
    finally:
        del world.checkouts[name]
    if not answer["ok"]:
        return {"ok": False, "error": answer["error_message"]}
    return {"ok": True, "charge_id": paid(world, chat_id, user_id, offered)}


def paid(world: World, chat_id: int, user_id: int, offered: Offered, *, renewal: bool = False) -> str:
    """Post the message of a successful payment. Return its charge id."""
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
        payment |= {"is_recurring": True} if renewal else {"is_recurring": True, "is_first_recurring": True}
    world.payments[charge_id] = {**payment, "user_id": user_id, "date": int(time.time()), "refunded": False}
    _book(world, charge_id, "source")
    world.say(chat_id, user_id, "", successful_payment=payment)
    return charge_id


def renew(world: World, charge_id: str) -> str:
    """Pay the next period of a subscription. Return its charge id. Raises the refusal if it can't be renewed."""
    payment = world.payments.get(charge_id)
    if payment is None or not payment.get("is_recurring") or payment.get("canceled"):
        raise refuse("no_charge")
    offered = {"total_amount": payment["total_amount"], "payload": payment["invoice_payload"], "period": PERIOD_SECONDS}
    return paid(world, payment["user_id"], payment["user_id"], offered, renewal=True)


def cancel(world: World, charge_id: str, state: str = "canceled") -> None:
    """Change a subscription's state as its user would: "canceled", "active" again, or "failed" to pay."""
    payment = world.payments[charge_id]
    payment["canceled"] = state != "active"
    content = {"user": world.users[payment["user_id"]], "invoice_payload": payment["invoice_payload"], "state": state}
    world.updates.push("subscription", content)


def refund(world: World, user_id: int, charge_id: str) -> None:
    """Refund a payment, on behalf of the bot or of Telegram itself."""
    payment = world.payments.get(charge_id)
    if payment is None or payment["user_id"] != user_id:
        raise refuse("no_charge")
    if payment["refunded"]:
        raise refuse("refunded")
    payment["refunded"] = True
    _book(world, charge_id, "receiver")
    names = ("currency", "total_amount", "invoice_payload", "telegram_payment_charge_id")
    world.say(user_id, user_id, "", refunded_payment={name: payment[name] for name in names})


def _book(world: World, charge_id: str, side: str) -> None:
    payment = world.payments[charge_id]
    partner = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": world.users[payment["user_id"]],
        "invoice_payload": payment["invoice_payload"],
    }
    if payment.get("is_recurring"):
        partner["subscription_period"] = PERIOD_SECONDS
    world.star_rows.append(
        {"id": charge_id, "amount": payment["total_amount"], "date": int(time.time()), side: partner}
    )


def _offered(params: Params) -> Offered:
    """Return the fields that sendInvoice and createInvoiceLink share. Raises Telegram's refusals."""
    title, payload = required(params, "title"), required(params, "payload")
    description = required(params, "description")
    if len(title) > MOST_TITLE:
        raise refuse("title")
    if len(description) > MOST_DESCRIPTION:
        raise refuse("description")
    if len(payload.encode()) > MOST_PAYLOAD_BYTES:
        raise refuse("payload")
    if params.get("currency") != "XTR":
        raise refuse("currency")
    return {
        "title": title,
        "description": description,
        "payload": payload,
        "currency": "XTR",
        "total_amount": _stars(params),
        "period": 0,
    }


def _stars(params: Params) -> int:
    """Return the price. Raises the refusal unless there is exactly one, in whole Stars, without a payment provider."""
    prices = decoded(params, "prices", list)
    if len(prices) != 1 or params.get("provider_token"):
        raise refuse("prices")
    amount = prices[0].get("amount") if isinstance(prices[0], dict) else None
    if not isinstance(amount, int) or amount < 1:
        raise refuse("amount")
    return amount
