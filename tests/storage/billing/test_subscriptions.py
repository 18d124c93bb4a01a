from dataclasses import replace
from datetime import timedelta

from engine.money import ZERO, Money
from storage.billing import payments, plans, subscriptions
from storage.billing.payments import Payment
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger.transfers import debit_or_owe
from tests.storage.books import FREE, NOW, PRO
from tests.storage.shop import (
    ANN,
    KNOWN,
    MONTH,
    STAR,
    STARTER,
    ann,
    check,
    objection,
    paid,
    plan_order,
    refunded,
    state,
    topup_order,
    wallet,
)


async def test_a_subscription_begins_its_plan_and_leaves_the_rest_of_its_stars(db: Database) -> None:
    def unit(conn: Connection) -> None:
        done = paid(conn, plan_order(conn))
        assert (done.plan, done.kept) == ("starter", None)
        assert wallet(conn) == Money(693 * STAR.nanousd) - Money.usd("9")
        now = state(conn)
        assert (now.plan, now.allowance_left_tokens, now.renews_at) == ("starter", 2_000_000, NOW + MONTH)
        running = subscriptions.current(conn, now.id)
        assert running is not None
        assert (running.state, running.plan) == ("active", "starter")

    await check(db, unit)


async def test_a_renewal_pays_the_same_order_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order, "c1")
        done = paid(conn, order, "c2", after=MONTH)
        assert done.plan == "starter"
        assert state(conn).renews_at == NOW + 2 * MONTH
        assert wallet(conn) == Money(2 * (693 * STAR.nanousd - 9 * 10**9))

    await check(db, unit)


async def test_a_price_that_rose_is_honoured_as_it_was_offered(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        dearer = {**KNOWN, "starter": replace(STARTER, usd_per_month=Money.usd("12"))}
        payment = Payment("c1", order.id, ANN, order.stars, NOW + MONTH)
        done = payments.pay(conn, payment, per_star=STAR, known=dearer, now=NOW)
        assert done.plan == "starter"
        assert wallet(conn) == order.usd - Money.usd("9")

    await check(db, unit)


async def test_what_was_paid_for_a_plan_that_is_gone_stays_in_the_wallet(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        payment = Payment("c1", order.id, ANN, order.stars, NOW + MONTH)
        done = payments.pay(conn, payment, per_star=STAR, known={"free": FREE}, now=NOW)
        assert (done.plan, done.kept) == (None, "gone")
        assert wallet(conn) == order.usd
        assert [each.order_id for each, _ in subscriptions.to_cancel(conn)] == [order.id]

    await check(db, unit)


async def test_an_upgrade_credits_the_unused_part_once_and_ends_the_old_subscription(db: Database) -> None:
    def unit(conn: Connection) -> None:
        old = plan_order(conn)
        paid(conn, old, "c1")
        before = wallet(conn)
        new = plan_order(conn, PRO)
        done = paid(conn, new, "c2", after=MONTH / 2)
        assert done.plan == "pro"
        assert wallet(conn) == before + new.usd - Money.usd("29") + Money.usd("4.50")
        assert [each.order_id for each, _ in subscriptions.to_cancel(conn)] == [old.id]
        assert not paid(conn, new, "c2", after=MONTH / 2).fresh

    await check(db, unit)


async def test_a_replaced_subscription_that_collects_again_changes_no_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        old = plan_order(conn)
        paid(conn, old, "c1")
        paid(conn, plan_order(conn, PRO), "c2", after=timedelta(days=1))
        subscriptions.mark_canceled(conn, old.id)
        before = wallet(conn)
        done = paid(conn, old, "c3", after=MONTH)
        assert (done.plan, done.kept) == (None, "replaced")
        assert (state(conn).plan, wallet(conn)) == ("pro", before + old.usd)
        assert [each.order_id for each, _ in subscriptions.to_cancel(conn)] == [old.id]

    await check(db, unit)


async def test_two_subscriptions_paid_in_either_order_leave_the_larger(db: Database) -> None:
    def unit(conn: Connection) -> None:
        small, large = plan_order(conn), plan_order(conn, PRO)
        paid(conn, large, "c2")
        done = paid(conn, small, "c1")
        assert done.kept == "lower"
        assert state(conn).plan == "pro"
        assert [each.order_id for each, _ in subscriptions.to_cancel(conn)] == [small.id]

    await check(db, unit)


async def test_renewals_that_change_places_never_shorten_a_period(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order, "c1")
        payments.pay(
            conn,
            Payment("c3", order.id, ANN, order.stars, NOW + 3 * MONTH),
            per_star=STAR,
            known=KNOWN,
            now=NOW + 2 * MONTH,
        )
        late = payments.pay(
            conn,
            Payment("c2", order.id, ANN, order.stars, NOW + 2 * MONTH),
            per_star=STAR,
            known=KNOWN,
            now=NOW + 2 * MONTH,
        )
        assert late.kept == "late"
        assert state(conn).renews_at == NOW + 3 * MONTH

    await check(db, unit)


async def test_a_debt_is_paid_before_a_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn), "c0")
        debit_or_owe(conn, ann(conn), Money.usd("5"), kind="test", to="house:test", ref="t", reason="", now=NOW)
        refunded(conn, "c0")
        order = plan_order(conn)
        assert objection(conn, order) == "owed"
        done = paid(conn, order, "c1")
        assert (done.plan, done.kept) == (None, "owed")
        assert (state(conn).owed, state(conn).plan) == (ZERO, "free")
        assert [each.order_id for each, _ in subscriptions.to_cancel(conn)] == [order.id]

    await check(db, unit)


async def test_telegrams_word_changes_a_subscription_that_runs_and_no_other(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order)
        assert subscriptions.report_state(conn, order.id, "canceled", by_us=True) is not None
        assert subscriptions.report_state(conn, order.id, "canceled") is None  # Telegram's echo of our own call
        running = subscriptions.current(conn, order.tenant_id)
        assert running is not None
        assert running.by_us
        assert subscriptions.report_state(conn, order.id, "nonsense") is None
        plans.set_by_admin(conn, order.tenant_id, PRO, NOW)
        assert subscriptions.report_state(conn, order.id, "active") is None

    await check(db, unit)


async def test_a_renewal_that_comes_hours_early_costs_no_time(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order, "c1")
        before = wallet(conn)
        early = Payment("c2", order.id, ANN, order.stars, NOW + 2 * MONTH)
        payments.pay(conn, early, per_star=STAR, known=KNOWN, now=NOW + MONTH - timedelta(hours=5))
        assert state(conn).period_start == NOW + MONTH - timedelta(hours=5)
        assert (state(conn).renews_at, wallet(conn)) == (NOW + 2 * MONTH, before + order.usd - Money.usd("9"))

    await check(db, unit)
