import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage import ledger, orders, payments, plans, refunds, subscriptions, tenants, usage
from storage.connection import Connection
from storage.database import Database
from storage.orders import PLAN, TOPUP, Order
from storage.payments import Paid, Payment
from storage.refunds import Refunded
from tests.storage.books import FREE, NOW, PRO, bid, pay, sound, take

T = TypeVar("T")
STAR = Money(13_000_000)
STARTER = Plan("starter", Money.usd("9"), 2_000_000, 20, 2048)
KNOWN = {"free": FREE, "starter": STARTER, "pro": PRO}
MONTH = timedelta(days=30)
ANN = 1001


def ann(conn: Connection) -> int:
    found = tenants.by_telegram(conn, ANN)
    return found.id if found else tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=ANN)


def wallet(conn: Connection) -> Money:
    return state(conn).wallet


def state(conn: Connection) -> tenants.TenantState:
    found = tenants.by_telegram(conn, ANN)
    assert found is not None
    return found


def topup_order(conn: Connection, usd: str = "5") -> Order:
    return orders.make_order(conn, ann(conn), TOPUP, Money.usd(usd), STAR, NOW)


def plan_order(conn: Connection, plan: Plan = STARTER) -> Order:
    return orders.make_order(conn, ann(conn), PLAN, plan.usd_per_month, STAR, NOW, plan=plan.name)


def paid(conn: Connection, order: Order, charge: str = "c1", *, after: timedelta = timedelta(0)) -> Paid:
    """Paid for at NOW + `after`; a plan's until a month later."""
    until = NOW + after + MONTH if order.kind == PLAN else None
    payment = Payment(charge, order.id, ANN, order.stars, until)
    return payments.pay(conn, payment, per_star=STAR, known=KNOWN, now=NOW + after)


def refunded(conn: Connection, charge: str = "c1", *, after: timedelta = timedelta(0)) -> Refunded:
    done = refunds.refund(conn, charge, known=KNOWN, now=NOW + after)
    assert done is not None
    return done


def objection(
    conn: Connection, order: Order, *, user: int = ANN, after: timedelta = timedelta(0), **other: object
) -> str | None:
    asked = {"stars": order.stars, "currency": "XTR", **other}
    return orders.objection(conn, order.id, user, int(str(asked["stars"])), str(asked["currency"]), KNOWN, NOW + after)


async def check(db: Database, unit: Callable[[Connection], T]) -> T:
    """Run it, and find the books clean."""
    result = await db.write(unit)
    await db.read(sound)
    return result


async def test_a_payment_is_credited_once_however_often_it_is_told(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        assert paid(conn, order).fresh
        assert not paid(conn, order).fresh
        assert wallet(conn) == Money(385 * STAR.nanousd)

    await check(db, unit)


async def test_an_invoice_paid_twice_is_credited_twice(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        paid(conn, order, "c1")
        paid(conn, order, "c2")
        assert wallet(conn) == Money(2 * 385 * STAR.nanousd)

    await check(db, unit)


async def test_what_was_paid_late_is_credited_at_its_orders_rate(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        payment = Payment("c1", order.id, ANN, order.stars)
        late = NOW + timedelta(days=40)
        payments.pay(conn, payment, per_star=Money(1), known=KNOWN, now=late)
        assert wallet(conn) == order.usd

    await check(db, unit)


async def test_a_payment_of_an_unknown_order_is_credited_at_todays_rate(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann(conn)
        payments.pay(conn, Payment("c1", "nobody's", ANN, 100), per_star=STAR, known=KNOWN, now=NOW)
        assert wallet(conn) == Money(1_300_000_000)
        assert state(conn).name == "Ann"

    await check(db, unit)


async def test_a_payer_without_an_account_gets_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        payments.pay(conn, Payment("c1", "nobody's", ANN, 100), per_star=STAR, known=KNOWN, now=NOW)
        assert wallet(conn) == Money(1_300_000_000)

    await check(db, unit)


async def test_a_refund_takes_what_is_left_and_books_the_rest_as_owed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn))
        ledger.debit_or_owe(conn, ann(conn), Money.usd("3"), kind="test", to="house:test", ref="t", reason="", now=NOW)
        done = refunded(conn)
        assert (done.taken, done.owed) == (Money.usd("2.005"), Money.usd("3"))
        assert (wallet(conn), state(conn).owed) == (ZERO, Money.usd("3"))
        again = refunded(conn)
        assert not again.fresh
        assert (again.taken, again.owed) == (done.taken, done.owed)

    await check(db, unit)


async def test_the_next_credit_pays_what_is_owed_first(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn))
        ledger.debit_or_owe(conn, ann(conn), Money.usd("3"), kind="test", to="house:test", ref="t", reason="", now=NOW)
        refunded(conn)
        paid(conn, topup_order(conn), "c2")
        assert (wallet(conn), state(conn).owed) == (Money.usd("2.005"), ZERO)

    await check(db, unit)


async def test_a_refund_leaves_what_an_answer_holds(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn))
        asked = bid(ann(conn), input_tokens=2_000, output_tokens=8_000)
        grant = take(conn, asked)
        assert grant.wallet > ZERO
        done = refunded(conn)
        assert done.owed == grant.wallet
        pay(conn, asked, grant, tokens=10_000)
        assert wallet(conn) == ZERO

    await check(db, unit)


async def test_a_refund_that_comes_before_its_payment_leaves_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        unseen = Payment("c1", order.id, ANN, order.stars)
        done = refunds.refund(conn, "c1", known=KNOWN, now=NOW, unseen=unseen, per_star=STAR)
        assert done is not None
        assert done.owed == ZERO
        assert not paid(conn, order).fresh
        assert (wallet(conn), state(conn).plan) == (ZERO, "free")

    await check(db, unit)


async def test_a_refund_of_a_payment_that_nobody_knows_is_no_refund(db: Database) -> None:
    assert await db.write(lambda conn: refunds.refund(conn, "c1", known=KNOWN, now=NOW)) is None


# --- plans -----------------------------------------------------------------------------------------


async def test_a_subscription_begins_its_plan_and_leaves_the_rest_of_its_stars(db: Database) -> None:
    def unit(conn: Connection) -> None:
        done = paid(conn, plan_order(conn))
        assert (done.plan, done.kept) == ("starter", None)
        assert wallet(conn) == Money(693 * STAR.nanousd) - Money.usd("9")
        now = state(conn)
        assert (now.plan, now.allowance_left_tokens, now.renews_at) == ("starter", 2_000_000, NOW + MONTH)
        running = subscriptions.running(conn, now.id)
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
        assert [each.order_id for each, _ in subscriptions.ending(conn)] == [order.id]

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
        assert [each.order_id for each, _ in subscriptions.ending(conn)] == [old.id]
        assert not paid(conn, new, "c2", after=MONTH / 2).fresh

    await check(db, unit)


async def test_a_replaced_subscription_that_collects_again_changes_no_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        old = plan_order(conn)
        paid(conn, old, "c1")
        paid(conn, plan_order(conn, PRO), "c2", after=timedelta(days=1))
        subscriptions.ended(conn, old.id)
        before = wallet(conn)
        done = paid(conn, old, "c3", after=MONTH)
        assert (done.plan, done.kept) == (None, "replaced")
        assert (state(conn).plan, wallet(conn)) == ("pro", before + old.usd)
        assert [each.order_id for each, _ in subscriptions.ending(conn)] == [old.id]

    await check(db, unit)


async def test_two_subscriptions_paid_in_either_order_leave_the_larger(db: Database) -> None:
    def unit(conn: Connection) -> None:
        small, large = plan_order(conn), plan_order(conn, PRO)
        paid(conn, large, "c2")
        done = paid(conn, small, "c1")
        assert done.kept == "lower"
        assert state(conn).plan == "pro"
        assert [each.order_id for each, _ in subscriptions.ending(conn)] == [small.id]

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
        ledger.debit_or_owe(conn, ann(conn), Money.usd("5"), kind="test", to="house:test", ref="t", reason="", now=NOW)
        refunded(conn, "c0")
        order = plan_order(conn)
        assert objection(conn, order) == "owed"
        done = paid(conn, order, "c1")
        assert (done.plan, done.kept) == (None, "owed")
        assert (state(conn).owed, state(conn).plan) == (ZERO, "free")
        assert [each.order_id for each, _ in subscriptions.ending(conn)] == [order.id]

    await check(db, unit)


async def test_a_refunded_subscription_ends_its_plan_and_owes_only_what_was_used(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order)
        done = refunded(conn, after=MONTH / 3)
        assert done.ended == "starter"
        assert done.owed == Money.usd("3")
        assert (state(conn).plan, wallet(conn)) == ("free", ZERO)
        assert [each.order_id for each, _ in subscriptions.ending(conn)] == [order.id]

    await check(db, unit)


async def test_who_used_the_allowance_up_owes_the_plan_after_its_refund(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, plan_order(conn))
        asked = bid(ann(conn), input_tokens=1_000_000, output_tokens=1_000_000)
        pay(conn, asked, take(conn, asked), tokens=2_000_000)
        assert refunded(conn, after=timedelta(hours=1)).owed == Money.usd("9")

    await check(db, unit)


async def test_a_refund_of_an_earlier_period_leaves_the_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order, "c1")
        paid(conn, order, "c2", after=MONTH)
        assert refunded(conn, "c1", after=MONTH).ended is None
        assert state(conn).plan == "starter"

    await check(db, unit)


# --- pre-checkout ----------------------------------------------------------------------------------


async def test_a_pre_checkout_looks_at_order_payer_amount_currency_and_age(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        tenants.create(conn, "Bao", FREE, now=NOW, telegram_user_id=7)
        assert objection(conn, order) is None
        assert objection(conn, order, user=7) == "other"
        assert objection(conn, order, user=8) == "other"
        assert objection(conn, order, stars=1) == "amount"
        assert objection(conn, order, currency="USD") == "amount"
        assert objection(conn, order, after=timedelta(days=2)) == "expired"
        assert objection(conn, replace(order, id="nobody's")) == "unknown"

    await db.write(unit)


@pytest.mark.parametrize("shut", ["banned", "pending"])
async def test_who_is_shut_out_is_asked_for_no_money(db: Database, shut: str) -> None:
    def unit(conn: Connection) -> str | None:
        order = topup_order(conn)
        if shut == "banned":
            tenants.set_banned(conn, order.tenant_id, True)
        else:
            tenants.set_access(conn, order.tenant_id, tenants.PENDING)
        return objection(conn, order)

    assert await db.write(unit) == "closed"


async def test_a_second_subscription_is_refused_to_the_same_plan_only(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first = plan_order(conn)
        paid(conn, first)
        assert objection(conn, first) == "twice"
        assert objection(conn, plan_order(conn)) == "twice"
        assert objection(conn, plan_order(conn, PRO)) is None

    await db.write(unit)


async def test_a_smaller_plan_waits_for_the_end_of_the_paid_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, plan_order(conn, PRO))
        assert objection(conn, plan_order(conn)) == "lower"
        assert objection(conn, plan_order(conn), after=MONTH) == "expired"

    await db.write(unit)


async def test_a_given_plan_is_no_reason_to_refuse_a_smaller_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        plans.set_by_admin(conn, ann(conn), PRO, NOW)
        assert objection(conn, plan_order(conn)) is None

    await db.write(unit)


async def test_telegrams_word_changes_a_subscription_that_runs_and_no_other(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        paid(conn, order)
        assert subscriptions.said(conn, order.id, "canceled", by_us=True) is not None
        assert subscriptions.said(conn, order.id, "canceled") is None  # Telegram's echo of our own call
        running = subscriptions.running(conn, order.tenant_id)
        assert running is not None
        assert running.by_us
        assert subscriptions.said(conn, order.id, "nonsense") is None
        plans.set_by_admin(conn, order.tenant_id, PRO, NOW)
        assert subscriptions.said(conn, order.id, "active") is None

    await check(db, unit)


async def test_one_payment_told_to_ten_at_once_is_credited_once(db: Database) -> None:
    order = await db.write(plan_order)
    done = await asyncio.gather(*(db.write(lambda conn: paid(conn, order)) for _ in range(10)))
    assert sum(each.fresh for each in done) == 1
    assert {each.plan for each in done} == {"starter"}
    back = await asyncio.gather(*(db.write(refunded) for _ in range(10)))
    assert sum(each.fresh for each in back) == 1
    await db.read(sound)


async def test_stars_that_are_not_used_are_no_income(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, topup_order(conn), "c1")
        paid(conn, plan_order(conn), "c2")
        assert usage.rows(conn, NOW.date(), NOW.date()) == []

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
