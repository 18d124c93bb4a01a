"""Invoices, checkouts, refunds and subscriptions in Stars."""

import asyncio
from typing import Any

import pytest

from sandbox.telegram import stars
from sandbox.telegram.refusals import TABLE
from tests.sandbox.telegram.bot_api import ANN, BAO, STARS, Bot, invoice


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"prices": [{"label": "a", "amount": 1}] * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": []}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 1}], "provider_token": "x"}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "a", "amount": 1.5}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"currency": "USD"}, "CURRENCY_INVALID"),
        ({"title": "t" * 33}, "INVOICE_TITLE_INVALID"),
        ({"description": "d" * 256}, "INVOICE_DESCRIPTION_INVALID"),
        ({"payload": "p" * 129}, "INVOICE_PAYLOAD_INVALID"),
        ({"title": ""}, "title is required"),
    ],
)
@pytest.mark.parametrize("method", ["sendInvoice", "createInvoiceLink"])
async def test_invalid_invoice_is_refused(bot: Bot, method: str, params: dict[str, Any], why: str) -> None:
    fields = {"chat_id": ANN, **STARS, "prices": [{"label": "a", "amount": 5}], **params}
    assert await bot.refused(method, **fields) == f"Bad Request: {why}"


@pytest.mark.parametrize(
    ("period", "amount", "why"),
    [
        (2_592_001, 5, "SUBSCRIPTION_PERIOD_INVALID"),
        (60, 5, "SUBSCRIPTION_PERIOD_INVALID"),
        (2_592_000, 10_001, "CURRENCY_TOTAL_AMOUNT_INVALID"),
    ],
)
async def test_subscription_is_a_month_and_at_most_10000_stars(bot: Bot, period: int, amount: int, why: str) -> None:
    fields = {**STARS, "prices": [{"label": "a", "amount": amount}], "subscription_period": period}
    assert await bot.refused("createInvoiceLink", **fields) == f"Bad Request: {why}"


async def test_invoice_is_paid_through_pre_checkout(bot: Bot) -> None:
    paying = asyncio.create_task(stars.pay(bot.world, ANN, ANN, await invoice(bot)))
    checkout = (await bot.call("getUpdates", timeout=50))[0]["pre_checkout_query"]
    assert (checkout["currency"], checkout["total_amount"], checkout["invoice_payload"]) == ("XTR", 5, "order 1")
    assert await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=checkout["id"], ok=True) is True
    charge_id = (await paying)["charge_id"]
    paid = (await bot.updates())[-1]["message"]["successful_payment"]
    assert paid["telegram_payment_charge_id"] == charge_id
    assert "is_recurring" not in paid


async def test_refused_or_unanswered_checkout_is_no_payment(bot: Bot) -> None:
    offered = await invoice(bot)
    paying = asyncio.create_task(stars.pay(bot.world, ANN, ANN, offered))
    name = (await bot.call("getUpdates", timeout=50))[0]["pre_checkout_query"]["id"]
    assert await bot.refused("answerPreCheckoutQuery", pre_checkout_query_id=name, ok=False) == (
        "Bad Request: error_message is required"
    )
    await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=name, ok=False, error_message="Sold out.")
    assert await paying == {"ok": False, "error": "Sold out."}
    bot.world.precheckout_seconds = 0.01
    assert await stars.pay(bot.world, ANN, ANN, offered) == {
        "ok": False,
        "error": "The bot did not answer in 10 seconds.",
    }
    why = await bot.refused("answerPreCheckoutQuery", pre_checkout_query_id=name, ok=True)
    assert why == TABLE["old_query"][1]
    assert bot.world.payments == {}


async def test_charge_is_refunded_once_by_its_payer(bot: Bot) -> None:
    charge_id = stars.paid(bot.world, ANN, ANN, await invoice(bot))
    params = {"telegram_payment_charge_id": charge_id}
    assert await bot.refused("refundStarPayment", user_id=BAO, **params) == "Bad Request: CHARGE_NOT_FOUND"
    assert await bot.call("refundStarPayment", user_id=ANN, **params) is True
    assert await bot.refused("refundStarPayment", user_id=ANN, **params) == "Bad Request: CHARGE_ALREADY_REFUNDED"
    assert (await bot.updates())[-1]["message"]["refunded_payment"]["telegram_payment_charge_id"] == charge_id


async def test_transactions_come_oldest_first_and_a_refund_at_its_own_time(bot: Bot) -> None:
    offered = await invoice(bot)
    charges = [stars.paid(bot.world, ANN, ANN, offered) for _ in range(104)]
    stars.refund(bot.world, ANN, charges[0])
    rows = (await bot.call("getStarTransactions", limit=1000))["transactions"]
    assert [row["id"] for row in rows] == charges[:100]
    rest = (await bot.call("getStarTransactions", offset=100, limit=100))["transactions"]
    assert [row["id"] for row in rest] == [*charges[100:], charges[0]]
    assert "receiver" in rest[-1]
    assert "source" in rest[0]
    assert await bot.call("getMyStarBalance") == {"amount": 103 * 5}


async def test_subscription_renews_until_it_is_ended(bot: Bot) -> None:
    link = await bot.call(
        "createInvoiceLink", **STARS, prices=[{"label": "a", "amount": 5}], subscription_period=2_592_000
    )
    offered = bot.world.links[link.removeprefix("https://t.me/$")]
    first = stars.paid(bot.world, ANN, ANN, offered)
    second = stars.renew(bot.world, first)
    payments = [update["message"]["successful_payment"] for update in await bot.updates()]
    assert [payment.get("is_first_recurring", False) for payment in payments] == [True, False]
    assert all(payment["is_recurring"] and payment["invoice_payload"] == "order 1" for payment in payments)
    params = {"user_id": ANN, "telegram_payment_charge_id": second}
    assert await bot.call("editUserStarSubscription", **params, is_canceled=True) is True
    assert bot.world.payments[second]["canceled"]
    why = await bot.refused("editUserStarSubscription", **{**params, "user_id": BAO}, is_canceled=True)
    assert why == "Bad Request: CHARGE_NOT_FOUND"
    stars.cancel(bot.world, first)
    assert (await bot.updates())[-1]["subscription"]["state"] == "canceled"
