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


async def test_subscription_starts_its_plan_and_credits_the_remainder(db: Database) -> None:
    def unit(conn: Connection) -> None:
        done = paid(conn, plan_order(conn))
        assert (done.plan, done.kept) == ("starter", None)
        assert wallet(conn) == Money(693 * STAR.nanousd) - Money.usd("9")
        now = state(conn)
        assert (now.plan, now.allowance_left_tokens, now.renews_at) == ("starter", 2_000_000, NOW + MONTH)
        current = subscriptions.current(conn, now.id)
        assert current is not None
        assert (current.state, current.plan) == ("active", "starter")

    await check(db, unit)


async def test_renewal_pays_the_same_order_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order, "c1")
        done = paid(conn, order, "c2", after=MONTH)
        assert done.plan == "starter"
        assert state(conn).renews_at == NOW + 2 * MONTH
        assert wallet(conn) == Money(2 * (693 * STAR.nanousd - 9 * 10**9))

    await check(db, unit)


async def test_order_keeps_its_price_when_the_plan_gets_dearer(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        dearer = {**KNOWN, "starter": replace(STARTER, usd_per_month=Money.usd("12"))}
        payment = Payment("c1", order.id, ANN, order.stars, NOW + MONTH)
        done = payments.pay(conn, payment, per_star=STAR, known=dearer, now=NOW)
        assert done.plan == "starter"
        assert wallet(conn) == order.usd - Money.usd("9")

    await check(db, unit)


async def test_payment_for_a_removed_plan_stays_in_the_wallet(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        payment = Payment("c1", order.id, ANN, order.stars, NOW + MONTH)
        done = payments.pay(conn, payment, per_star=STAR, known={"free": FREE}, now=NOW)
        assert (done.plan, done.kept) == (None, "gone")
        assert wallet(conn) == order.usd
        assert [each.order_id for each, _ in subscriptions.to_cancel(conn)] == [order.id]

    await check(db, unit)


async def test_upgrade_credits_the_unused_part_and_ends_the_old_subscription(db: Database) -> None:
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


async def test_charge_of_a_replaced_subscription_changes_no_plan(db: Database) -> None:
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


async def test_of_two_paid_subscriptions_the_dearer_stays(db: Database) -> None:
    def unit(conn: Connection) -> None:
        small, large = plan_order(conn), plan_order(conn, PRO)
        paid(conn, large, "c2")
        done = paid(conn, small, "c1")
        assert done.kept == "lower"
        assert state(conn).plan == "pro"
        assert [each.order_id for each, _ in subscriptions.to_cancel(conn)] == [small.id]

    await check(db, unit)


async def test_renewals_out_of_order_do_not_shorten_a_period(db: Database) -> None:
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


async def test_debt_is_paid_before_a_plan(db: Database) -> None:
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


async def test_reported_state_changes_a_current_subscription_only(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order)
        assert subscriptions.record_state(conn, order.id, "canceled", by_us=True) is not None
        assert subscriptions.record_state(conn, order.id, "canceled") is None  # Telegram's report of our own call
        current = subscriptions.current(conn, order.tenant_id)
        assert current is not None
        assert current.by_us
        assert subscriptions.record_state(conn, order.id, "nonsense") is None
        plans.set_by_admin(conn, order.tenant_id, PRO, NOW)
        assert subscriptions.record_state(conn, order.id, "active") is None

    await check(db, unit)


async def test_early_renewal_does_not_shorten_the_paid_time(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order, "c1")
        before = wallet(conn)
        early = Payment("c2", order.id, ANN, order.stars, NOW + 2 * MONTH)
        payments.pay(conn, early, per_star=STAR, known=KNOWN, now=NOW + MONTH - timedelta(hours=5))
        assert state(conn).period_start == NOW + MONTH - timedelta(hours=5)
        assert (state(conn).renews_at, wallet(conn)) == (NOW + 2 * MONTH, before + order.usd - Money.usd("9"))

    await check(db, unit)


def begun(conn: Connection, order_id: str, *, is_current: bool = True) -> None:
    owner = ann(conn)
    subscriptions.begin(conn, order_id, owner, "starter", f"charge-{order_id}", NOW + MONTH, is_current=is_current)


async def test_tenant_has_one_current_subscription(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert subscriptions.current(conn, ann(conn)) is None
        begun(conn, "a")
        begun(conn, "b")
        begun(conn, "c", is_current=False)
        current = subscriptions.current(conn, ann(conn))
        assert current is not None
        assert (current.order_id, current.is_current, current.until) == ("b", True, NOW + MONTH)
        assert [(each.order_id, user) for each, user in subscriptions.to_cancel(conn)] == [("a", ANN), ("c", ANN)]
        assert len(subscriptions.to_cancel(conn, limit=1)) == 1

    await db.write(unit)


async def test_canceled_subscription_that_is_replaced_has_ended(db: Database) -> None:
    def unit(conn: Connection) -> None:
        begun(conn, "a")
        subscriptions.record_state(conn, "a", "canceled")
        subscriptions.supersede(conn, ann(conn))
        found = subscriptions.of_order(conn, "a")
        assert found is not None
        assert (found.state, found.is_current) == ("ended", False)
        assert subscriptions.to_cancel(conn) == []
        assert subscriptions.of_order(conn, "missing") is None

    await db.write(unit)


async def test_only_a_subscription_marked_for_it_becomes_ended(db: Database) -> None:
    def unit(conn: Connection) -> None:
        begun(conn, "a")
        subscriptions.mark_canceled(conn, "a")
        assert subscriptions.current(conn, ann(conn)) is not None
        subscriptions.mark_to_cancel(conn, "a")
        subscriptions.mark_canceled(conn, "a")
        found = subscriptions.of_order(conn, "a")
        assert found is not None
        assert found.state == "ended"

    await db.write(unit)


async def test_further_payment_makes_a_subscription_active_and_never_shortens_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        begun(conn, "a")
        subscriptions.record_state(conn, "a", "canceled", by_us=True)
        subscriptions.renew(conn, "a", "c2", NOW + MONTH - timedelta(days=1))
        found = subscriptions.of_order(conn, "a")
        assert found is not None
        assert (found.state, found.by_us, found.until) == ("active", False, NOW + MONTH)
        assert found.charge_ids == ("charge-a", "c2")
        subscriptions.renew(conn, "a", "charge-a", NOW + 2 * MONTH)
        found = subscriptions.of_order(conn, "a")
        assert found is not None
        assert (found.until, found.charge_ids) == (NOW + 2 * MONTH, ("charge-a",))

    await db.write(unit)


async def test_cancellation_by_the_bot_is_recorded_after_telegrams_report(db: Database) -> None:
    def unit(conn: Connection) -> None:
        begun(conn, "a")
        reported = subscriptions.record_state(conn, "a", "canceled")
        assert reported is not None
        assert not reported.by_us
        ours = subscriptions.record_state(conn, "a", "canceled", by_us=True)
        assert ours is not None
        assert ours.by_us
        assert subscriptions.record_state(conn, "a", "canceled", by_us=True) is None
        assert subscriptions.record_state(conn, "a", "ended") is None

    await db.write(unit)
