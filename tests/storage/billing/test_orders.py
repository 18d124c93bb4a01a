"""The reasons to refuse a pre-checkout."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.money import Money
from storage.billing import orders, plans, subscriptions
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenant_settings, tenants
from tests.storage.books import FREE, NOW, PRO
from tests.storage.shop import ANN, MONTH, STAR, ann, objection, paid, plan_order, topup_order

MS = timedelta(milliseconds=1)


async def test_pre_checkout_checks_order_payer_amount_currency_and_age(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        tenants.create(conn, "Bao", FREE, now=NOW, telegram_user_id=7)
        assert objection(conn, order) is None
        assert objection(conn, order, user=7) == "other"
        assert objection(conn, order, user=8) == "other"
        assert objection(conn, order, stars=1) == "amount"
        assert objection(conn, order, currency="USD") == "amount"
        assert objection(conn, order, after=timedelta(days=1)) is None
        assert objection(conn, order, after=timedelta(days=1) + MS) == "expired"
        assert objection(conn, replace(order, id="missing")) == "unknown"

    await db.write(unit)


@pytest.mark.parametrize("state", ["banned", "pending"])
async def test_order_of_a_tenant_without_access_is_refused(db: Database, state: str) -> None:
    def unit(conn: Connection) -> str | None:
        order = topup_order(conn)
        if state == "banned":
            tenant_settings.set_banned(conn, order.tenant_id, True)
        else:
            tenant_settings.set_access(conn, order.tenant_id, tenants.PENDING)
        return objection(conn, order)

    assert await db.write(unit) == "closed"


async def test_second_subscription_to_the_same_plan_is_refused(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first = plan_order(conn)
        paid(conn, first)
        assert objection(conn, first) == "twice"
        assert objection(conn, plan_order(conn)) == "twice"
        assert objection(conn, plan_order(conn, PRO)) is None

    await db.write(unit)


async def test_lower_plan_is_refused_until_the_paid_period_ends(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, plan_order(conn, PRO))
        assert objection(conn, plan_order(conn)) == "lower"
        assert objection(conn, plan_order(conn), after=MONTH) == "expired"

    await db.write(unit)


async def test_plan_set_by_an_admin_does_not_refuse_a_lower_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        plans.set_by_admin(conn, ann(conn), PRO, NOW)
        assert objection(conn, plan_order(conn)) is None

    await db.write(unit)


async def test_active_subscription_to_the_same_plan_refuses_a_second_until_it_ends(db: Database) -> None:
    def unit(conn: Connection) -> None:
        paid(conn, plan_order(conn))
        order = plan_order(conn)
        conn.run("UPDATE orders SET created_at = created_at + :month", month=MONTH // MS)
        assert objection(conn, order, after=MONTH - MS) == "twice"
        assert objection(conn, order, after=MONTH) is None

    await db.write(unit)


async def test_canceled_subscription_does_not_refuse_the_same_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first = plan_order(conn)
        paid(conn, first)
        subscriptions.record_state(conn, first.id, "canceled")
        assert objection(conn, plan_order(conn)) is None
        assert objection(conn, first) == "twice"

    await db.write(unit)


async def test_top_up_order_may_be_paid_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        paid(conn, order)
        assert objection(conn, order) is None

    await db.write(unit)


async def test_plan_that_left_the_configuration_is_refused(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = plan_order(conn)
        known = {"free": FREE}
        assert orders.objection(conn, order.id, ANN, order.stars, "XTR", known, NOW) == "gone"

    await db.write(unit)


@pytest.mark.parametrize(("usd", "stars"), [("0.013", 1), ("0.013000001", 2), ("5", 385), ("13", 1000), ("0", 0)])
def test_stars_are_rounded_up(usd: str, stars: int) -> None:
    assert orders.stars_for(Money.usd(usd), STAR) == stars


async def test_order_credits_its_stars_at_its_own_rate(db: Database) -> None:
    def unit(conn: Connection) -> None:
        topup, plan = topup_order(conn), plan_order(conn)
        assert (topup.stars, topup.usd, topup.price, topup.plan) == (385, Money.usd("5.005"), None, None)
        assert (plan.stars, plan.usd, plan.price, plan.plan) == (693, Money.usd("9.009"), Money.usd("9"), "starter")
        assert (plan.per_star, plan.paid, plan.made_at) == (STAR, False, NOW)
        assert orders.order(conn, topup.id) == topup
        paid(conn, topup)
        again = orders.order(conn, topup.id)
        assert again is not None
        assert again.paid
        assert orders.order(conn, "missing") is None

    await db.write(unit)
