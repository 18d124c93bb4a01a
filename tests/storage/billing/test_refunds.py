from datetime import timedelta

from engine.money import ZERO, Money
from storage.billing import refunds, subscriptions
from storage.billing.payments import Payment
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger.transfers import debit_or_owe
from tests.storage.books import NOW, hold_request, pay, take
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


async def test_refund_debits_the_balance_and_owes_the_rest(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn))
        debit_or_owe(conn, ann(conn), Money.usd("3"), kind="test", to="house:test", ref="t", reason="", now=NOW)
        done = refunded(conn)
        assert (done.taken, done.owed) == (Money.usd("2.005"), Money.usd("3"))
        assert (wallet(conn), state(conn).owed) == (ZERO, Money.usd("3"))
        again = refunded(conn)
        assert not again.fresh
        assert (again.taken, again.owed) == (done.taken, done.owed)

    await check(db, unit)


async def test_next_credit_repays_the_debt_first(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn))
        debit_or_owe(conn, ann(conn), Money.usd("3"), kind="test", to="house:test", ref="t", reason="", now=NOW)
        refunded(conn)
        paid(conn, topup_order(conn), "c2")
        assert (wallet(conn), state(conn).owed) == (Money.usd("2.005"), ZERO)

    await check(db, unit)


async def test_refund_leaves_held_money_alone(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn))
        asked = hold_request(ann(conn), input_tokens=2_000, output_tokens=8_000)
        grant = take(conn, asked)
        assert grant.wallet > ZERO
        done = refunded(conn)
        assert done.owed == grant.wallet
        pay(conn, asked, grant, tokens=10_000)
        assert wallet(conn) == ZERO

    await check(db, unit)


async def test_refund_before_its_payment_leaves_nothing_to_credit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        unseen = Payment("c1", order.id, ANN, order.stars)
        done = refunds.refund(conn, "c1", known=KNOWN, now=NOW, unseen=unseen, per_star=STAR)
        assert done is not None
        assert done.owed == ZERO
        assert not paid(conn, order).fresh
        assert (wallet(conn), state(conn).plan) == (ZERO, "free")

    await check(db, unit)


async def test_refund_of_an_unknown_payment_does_nothing(db: Database) -> None:
    assert await db.write(lambda conn: refunds.refund(conn, "c1", known=KNOWN, now=NOW)) is None


async def test_refunded_subscription_ends_its_plan_and_owes_only_the_used_part(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order)
        done = refunded(conn, after=MONTH / 3)
        assert done.ended == "starter"
        assert done.owed == Money.usd("3")
        assert (state(conn).plan, wallet(conn)) == ("free", ZERO)
        assert [each.order_id for each, _ in subscriptions.to_cancel(conn)] == [order.id]

    await check(db, unit)


async def test_used_up_plan_is_owed_in_full_after_its_refund(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, plan_order(conn))
        asked = hold_request(ann(conn), input_tokens=1_000_000, output_tokens=1_000_000)
        pay(conn, asked, take(conn, asked), tokens=2_000_000)
        assert refunded(conn, after=timedelta(hours=1)).owed == Money.usd("9")

    await check(db, unit)


async def test_refund_of_an_earlier_period_keeps_the_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order, "c1")
        paid(conn, order, "c2", after=MONTH)
        assert refunded(conn, "c1", after=MONTH).ended is None
        assert state(conn).plan == "starter"

    await check(db, unit)


async def test_unused_share_is_the_lesser_of_time_and_tokens(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, plan_order(conn))
        asked = hold_request(ann(conn), input_tokens=500_000, output_tokens=500_000)
        pay(conn, asked, take(conn, asked), tokens=500_000)
        assert refunded(conn, after=MONTH / 10).owed == Money.usd("2.25")

    await check(db, unit)


async def test_refund_after_the_period_ends_no_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, plan_order(conn))
        done = refunded(conn, after=MONTH)
        assert (done.ended, done.owed) == (None, Money.usd("9"))
        assert state(conn).plan == "starter"

    await check(db, unit)


async def test_refund_just_before_the_periods_end_ends_the_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, plan_order(conn))
        assert refunded(conn, after=MONTH - timedelta(milliseconds=1)).ended == "starter"

    await check(db, unit)


async def test_refund_before_a_payment_without_an_order_uses_the_current_rate(db: Database) -> None:
    def unit(conn: Connection) -> None:
        unseen = Payment("c1", "missing", ANN, 100)
        for fresh in (True, False):
            done = refunds.refund(conn, "c1", known=KNOWN, now=NOW, unseen=unseen, per_star=STAR)
            assert done is not None
            assert (done.fresh, done.taken, done.owed) == (fresh, Money(1_300_000_000), ZERO)
        assert wallet(conn) == ZERO

    await check(db, unit)
