"""The reasons for which a pre-checkout is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.billing import plans
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenant_settings, tenants
from tests.storage.books import FREE, NOW, PRO
from tests.storage.shop import MONTH, ann, objection, paid, plan_order, topup_order


async def test_pre_checkout_checks_order_payer_amount_and_currency(db: Database) -> None:
    def unit(conn: Connection) -> None:
        order = topup_order(conn)
        tenants.create(conn, "Bao", FREE, now=NOW, telegram_user_id=7)
        assert objection(conn, order) is None
        assert objection(conn, order, user=7) == "other"
        assert objection(conn, order, user=8) == "other"
        assert objection(conn, order, stars=1) == "amount"
        assert objection(conn, order, currency="USD") == "amount"
        assert objection(conn, order, after=timedelta(days=2)) == "expired"
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
