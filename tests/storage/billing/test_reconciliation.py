from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from engine.money import ZERO, Money
from storage.billing import findings, orders, payments, reconciliation, refunds
from storage.billing.payments import Payment
from storage.billing.reconciliation import (
    AMOUNT,
    CREDITED,
    OTHER,
    PAYMENT,
    REFUND,
    REFUNDED,
    UNKNOWN,
    Finding,
    StarEntry,
)
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenants
from tests.storage.books import FREE, NOW, PRO, check_books

T = TypeVar("T")
STAR = Money(13_000_000)
KNOWN = {"free": FREE, "pro": PRO}
ANN = 1001
HOUR = timedelta(hours=1)


def ordered(conn: Connection) -> Payment:
    """Return a payment for an order of 5 USD that the bot has not received yet."""
    ann = tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=ANN)
    order = orders.make_order(conn, ann, orders.TOPUP, Money.usd("5"), STAR, NOW)
    return Payment("c1", order.id, ANN, order.stars)


def compared(conn: Connection, payment: Payment, kind: str = PAYMENT, after: timedelta = HOUR) -> Finding | None:
    entry = StarEntry(kind, NOW + after, payment)
    return reconciliation.compare(conn, entry, per_star=STAR, known=KNOWN, now=NOW + timedelta(days=1))


def wallet(conn: Connection) -> Money:
    state = tenants.by_telegram(conn, ANN)
    assert state is not None
    return state.wallet


async def check(db: Database, unit: Callable[[Connection], T]) -> T:
    result = await db.write(unit)
    await db.read(check_books)
    return result


@pytest.mark.parametrize("stars", [0, -385, 10**12])
@pytest.mark.parametrize("kind", [PAYMENT, REFUND])
async def test_amount_that_can_not_be_booked_does_not_stop_the_reconciliation(
    db: Database, kind: str, stars: int
) -> None:
    def unit(conn: Connection) -> None:
        payment = ordered(conn)
        assert compared(conn, replace(payment, stars=stars), kind) == Finding(UNKNOWN, "c1", stars)
        assert wallet(conn) == ZERO

    await check(db, unit)


async def test_missing_payment_is_credited_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        payment = ordered(conn)
        found = compared(conn, payment)
        assert found is not None
        assert (found.kind, wallet(conn)) == (CREDITED, Money(385 * STAR.nanousd))
        assert compared(conn, payment) is None
        late = payments.pay(conn, payment, per_star=STAR, known=KNOWN, now=NOW + timedelta(days=2))
        assert not late.fresh

    await check(db, unit)


async def test_missing_refund_is_booked_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        payment = ordered(conn)
        payments.pay(conn, payment, per_star=STAR, known=KNOWN, now=NOW)
        assert compared(conn, payment) is None
        found = compared(conn, payment, REFUND)
        assert found is not None
        assert (found.kind, wallet(conn)) == (REFUNDED, ZERO)
        assert compared(conn, payment, REFUND) is None

    await check(db, unit)


async def test_different_number_of_stars_is_reported_and_not_changed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        payment = ordered(conn)
        payments.pay(conn, payment, per_star=STAR, known=KNOWN, now=NOW)
        found = compared(conn, Payment("c1", payment.order_id, ANN, 1))
        assert found is not None
        assert (found.kind, found.stars, found.ours) == (AMOUNT, 1, 385)
        assert wallet(conn) == Money(385 * STAR.nanousd)

    await check(db, unit)


async def test_payments_of_another_database_are_not_credited(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ordered(conn)
        for foreign in (Payment("old", "order-of-old", ANN, 9), Payment("other", "x", 77, 9)):
            found = compared(conn, foreign, after=-HOUR)
            assert found is not None
            assert found.kind == UNKNOWN
        assert compared(conn, Payment("old", "order-of-old", ANN, 9), REFUND) is None
        assert wallet(conn) == ZERO

    await check(db, unit)


async def test_unknown_order_of_a_known_payer_is_credited(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ordered(conn)
        found = compared(conn, Payment("c7", "x", ANN, 100))
        assert found is not None
        assert (found.kind, wallet(conn)) == (CREDITED, Money(1_300_000_000))

    await check(db, unit)


async def test_unlisted_payment_and_refund_are_found(db: Database) -> None:
    def unit(conn: Connection) -> None:
        payment = ordered(conn)
        payments.pay(conn, payment, per_star=STAR, known=KNOWN, now=NOW)
        assert reconciliation.unlisted(conn, NOW) == []
        assert [each.charge_id for each in reconciliation.unlisted(conn, NOW + HOUR)] == ["c1"]
        compared(conn, payment)
        assert reconciliation.unlisted(conn, NOW + HOUR) == []
        refunds.refund(conn, "c1", known=KNOWN, now=NOW)
        assert [each.charge_id for each in reconciliation.unlisted(conn, NOW + HOUR)] == ["c1"]
        compared(conn, payment, REFUND)
        assert reconciliation.unlisted(conn, NOW + HOUR) == []

    await check(db, unit)


async def test_reported_findings_do_not_hide_further_ones(db: Database) -> None:
    def unit(conn: Connection) -> None:
        payment = ordered(conn)
        for number in range(3):
            payments.pay(conn, replace(payment, charge_id=f"c{number}"), per_star=STAR, known=KNOWN, now=NOW)
        later = NOW + timedelta(days=2)
        first = reconciliation.unlisted(conn, later, limit=2)
        assert len(first) == 2
        for each in first:
            findings.record(conn, each, "L", later)
        assert len(reconciliation.unlisted(conn, later, limit=2)) == 1

    await check(db, unit)


async def test_transaction_without_a_user_is_ignored(db: Database) -> None:
    assert await db.write(lambda conn: compared(conn, Payment("w", "", 0, 1000), OTHER)) is None


async def test_offset_is_stored_per_bot(db: Database) -> None:
    def unit(conn: Connection) -> None:
        reconciliation.remember_offset(conn, 1, 300)
        reconciliation.remember_offset(conn, 1, 400)
        assert (reconciliation.offset(conn, 1), reconciliation.offset(conn, 2)) == (400, 0)

    await db.write(unit)


@pytest.mark.parametrize(("after", "kind"), [(timedelta(0), CREDITED), (-timedelta(milliseconds=1), UNKNOWN)])
async def test_payment_since_the_tenants_creation_belongs_here(db: Database, after: timedelta, kind: str) -> None:
    def unit(conn: Connection) -> str:
        ordered(conn)
        found = compared(conn, Payment("c7", "missing", ANN, 100), after=after)
        assert found is not None
        return found.kind

    assert await check(db, unit) == kind


async def test_only_payments_before_the_reading_are_unlisted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        payments.pay(conn, ordered(conn), per_star=STAR, known=KNOWN, now=NOW)
        assert reconciliation.unlisted(conn, NOW) == []
        assert len(reconciliation.unlisted(conn, NOW + timedelta(milliseconds=1))) == 1

    await db.write(unit)
