import asyncio
from datetime import timedelta

import pytest

from engine.money import Money
from storage.billing import payments
from storage.billing.payments import Payment
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports import usage
from tests.storage.books import NOW, check_books
from tests.storage.shop import (
    ANN,
    KNOWN,
    MONTH,
    STAR,
    ann,
    check,
    paid,
    plan_order,
    refunded,
    state,
    topup_order,
    wallet,
)


async def test_repeated_payment_is_credited_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        assert paid(conn, order).fresh
        assert not paid(conn, order).fresh
        assert wallet(conn) == Money(385 * STAR.nanousd)

    await check(db, unit)


async def test_order_paid_twice_is_credited_twice(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        paid(conn, order, "c1")
        paid(conn, order, "c2")
        assert wallet(conn) == Money(2 * 385 * STAR.nanousd)

    await check(db, unit)


async def test_late_payment_is_credited_at_its_orders_rate(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        payment = Payment("c1", order.id, ANN, order.stars)
        late = NOW + timedelta(days=40)
        payments.pay(conn, payment, per_star=Money(1), known=KNOWN, now=late)
        assert wallet(conn) == order.usd

    await check(db, unit)


async def test_payment_of_an_unknown_order_is_credited_at_the_current_rate(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann(conn)
        payments.pay(conn, Payment("c1", "missing", ANN, 100), per_star=STAR, known=KNOWN, now=NOW)
        assert wallet(conn) == Money(1_300_000_000)
        assert state(conn).name == "Ann"

    await check(db, unit)


async def test_payer_without_an_account_gets_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        payments.pay(conn, Payment("c1", "missing", ANN, 100), per_star=STAR, known=KNOWN, now=NOW)
        assert wallet(conn) == Money(1_300_000_000)

    await check(db, unit)


async def test_payment_delivered_ten_times_at_once_is_credited_once(db: Database) -> None:
    order = await db.write(plan_order)
    done = await asyncio.gather(*(db.write(lambda conn: paid(conn, order)) for _ in range(10)))
    assert sum(each.fresh for each in done) == 1
    assert {each.plan for each in done} == {"starter"}
    back = await asyncio.gather(*(db.write(refunded) for _ in range(10)))
    assert sum(each.fresh for each in back) == 1
    await db.read(check_books)


async def test_unused_stars_are_no_income(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn), "c1")
        paid(conn, plan_order(conn), "c2")
        assert usage.rows(conn, NOW.date(), NOW.date()) == []

    await check(db, unit)


async def test_payments_are_listed_newest_first(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in range(6):
            paid(conn, topup_order(conn), f"c{number}", after=timedelta(minutes=number))
        owner = ann(conn)
        assert [each["charge_id"] for each in payments.latest(conn, owner)] == ["c5", "c4", "c3", "c2", "c1"]
        assert [each["charge_id"] for each in payments.latest(conn, owner, 1)] == ["c5"]
        assert payments.latest(conn, owner + 1) == []
        assert (payments.payer_of(conn, "c0"), payments.payer_of(conn, "missing")) == (ANN, None)

    await check(db, unit)


async def test_repeated_payment_reports_its_first_effect(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        first, again = paid(conn, order), paid(conn, order)
        assert (first.fresh, again.fresh) == (True, False)
        assert (again.tenant_id, again.credited, again.plan) == (first.tenant_id, first.credited, "starter")
        topup = topup_order(conn)
        paid(conn, topup, "c2")
        assert paid(conn, topup, "c2").plan is None

    await check(db, unit)


async def test_payment_booked_only_starts_no_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        for _ in range(2):
            payments.book_only(conn, Payment("c1", order.id, ANN, order.stars), per_star=STAR, known=KNOWN, now=NOW)
        assert (wallet(conn), state(conn).plan) == (order.usd, "free")

    await check(db, unit)


@pytest.mark.parametrize(("early", "kept"), [(timedelta(0), "late"), (timedelta(milliseconds=1), None)])
async def test_payment_for_a_period_that_is_over_starts_nothing(
    db: Database, early: timedelta, kept: str | None
) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        payment = Payment("c1", order.id, ANN, order.stars, NOW + MONTH)
        done = payments.pay(conn, payment, per_star=STAR, known=KNOWN, now=NOW + MONTH - early)
        assert done.kept == kept

    await check(db, unit)


async def test_second_active_subscription_to_the_same_plan_starts_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first, second = plan_order(conn), plan_order(conn)
        paid(conn, first, "c1")
        done = paid(conn, second, "c2")
        assert (done.plan, done.kept, done.credited) == (None, "twice", second.usd)
        assert state(conn).renews_at == NOW + MONTH

    await check(db, unit)


async def test_old_order_without_a_price_costs_the_plans_price(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        conn.run("UPDATE orders SET price_nanousd = NULL")
        assert paid(conn, order).plan == "starter"
        assert wallet(conn) == order.usd - Money.usd("9")

    await check(db, unit)
