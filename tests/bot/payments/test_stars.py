from datetime import timedelta
from typing import Any

import pytest
from telegram import StarTransaction

from bot.payments.stars import entry
from storage.billing.reconciliation import OTHER, PAYMENT, REFUND

USER = {"id": 7, "is_bot": False, "first_name": "Ann"}
PAID = {"type": "user", "user": USER, "transaction_type": "invoice_payment", "invoice_payload": "topup-1"}


def read(**fields: Any) -> StarTransaction:
    found = StarTransaction.de_json({"id": "c1", "amount": 385, "date": 1_800_000_000, **fields})
    assert found is not None
    return found


def test_payment_has_a_source() -> None:
    found = entry(read(source=PAID))
    assert (found.kind, found.payment.charge_id, found.payment.order_id) == (PAYMENT, "c1", "topup-1")
    assert (found.payment.user_id, found.payment.stars, found.payment.until) == (7, 385, None)
    assert found.at.timestamp() == 1_800_000_000


def test_subscription_payment_has_its_end() -> None:
    found = entry(read(source={**PAID, "subscription_period": 2_592_000}))
    assert found.payment.until == found.at + timedelta(days=30)


def test_refund_has_a_receiver_and_the_id_of_its_payment() -> None:
    found = entry(read(receiver={**PAID}))
    assert (found.kind, found.payment.charge_id) == (REFUND, "c1")


def test_withdrawal_is_of_another_kind() -> None:
    assert entry(read(receiver={"type": "fragment"})).kind == OTHER


@pytest.mark.parametrize("kind", ["gift_purchase", "paid_media_payment", "business_account_transfer"])
@pytest.mark.parametrize("side", ["source", "receiver"])
def test_transaction_without_an_invoice_is_of_another_kind(kind: str, side: str) -> None:
    assert entry(read(**{side: {**PAID, "transaction_type": kind}})).kind == OTHER
