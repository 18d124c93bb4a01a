"""What a pre-checkout is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.billing import plans
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenants
from tests.storage.books import FREE, NOW, PRO
from tests.storage.shop import MONTH, ann, objection, paid, plan_order, topup_order


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
