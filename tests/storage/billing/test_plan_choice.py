"""The effect of choosing a plan."""

from datetime import timedelta

import pytest

from engine.money import Money
from storage.billing import plan_choice, plans, subscriptions
from storage.billing.plan_choice import PlanStep, WaysToPay
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenants
from tests.storage.books import NOW
from tests.storage.shop import KNOWN

FREE, STARTER, PRO = (KNOWN[name] for name in ("free", "starter", "pro"))
STAR = Money.usd("0.013")


def step(
    conn: Connection, owner: int, wanted: str, plans_from: str = "stars", later: timedelta = timedelta(minutes=1)
) -> PlanStep:
    state, now = tenants.state(conn, owner), NOW + later
    assert state is not None
    return plan_choice.step_to(
        conn,
        state,
        KNOWN[wanted],
        KNOWN,
        subscription=plan_choice.current_subscription(conn, owner, now),
        plans_from=plans_from,
        now=now,
    )


def subscriber(conn: Connection) -> int:
    """Create a tenant with a subscription to starter."""
    owner = tenants.create(conn, "Ann", FREE, now=NOW)
    plans.start_plan(conn, owner, STARTER, NOW)
    subscriptions.begin(conn, "o1", owner, "starter", "c1", NOW + timedelta(days=30))
    return owner


async def test_current_plan_is_kept_resumed_or_paid_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = subscriber(conn)
        assert step(conn, owner, "starter") is PlanStep.SAME
        plans.schedule_plan(conn, owner, "free")
        assert step(conn, owner, "starter") is PlanStep.STAY
        subscriptions.record_state(conn, "o1", "canceled", by_us=True)
        assert step(conn, owner, "starter") is PlanStep.RESUME
        assert step(conn, owner, "starter", later=timedelta(days=40)) is PlanStep.PAY

    await db.write(unit)


async def test_subscription_that_its_user_cancelled_is_paid_anew(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = subscriber(conn)
        subscriptions.record_state(conn, "o1", "canceled")
        assert step(conn, owner, "starter") is PlanStep.PAY
        assert step(conn, owner, "starter", "wallet") is PlanStep.SAME

    await db.write(unit)


async def test_lower_plan_waits_and_a_higher_one_is_paid(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = subscriber(conn)
        assert (step(conn, owner, "free"), step(conn, owner, "pro")) == (PlanStep.LATER, PlanStep.PAY)
        other = tenants.create(conn, "Bao", FREE, now=NOW)
        assert step(conn, other, "free") is PlanStep.SAME

    await db.write(unit)


@pytest.mark.parametrize(
    ("plans_from", "per_star", "ways", "is_for_sale"),
    [
        ("stars", STAR, WaysToPay(stars=True, wallet=False), True),
        ("wallet", STAR, WaysToPay(stars=False, wallet=True), True),
        ("both", STAR, WaysToPay(stars=True, wallet=True), True),
        ("stars", Money.usd("0.001"), WaysToPay(stars=False, wallet=False), False),
        ("both", Money.usd("0.001"), WaysToPay(stars=False, wallet=True), True),
    ],
)
async def test_ways_follow_the_operator_and_telegrams_limit(
    db: Database, plans_from: str, per_star: Money, ways: WaysToPay, is_for_sale: bool
) -> None:
    def unit(conn: Connection) -> None:
        owner = tenants.create(conn, "Ann", FREE, now=NOW)
        assert (state := tenants.state(conn, owner))
        assert plan_choice.ways_to_pay(state, PRO, plans_from, per_star) == ways
        assert plan_choice.is_for_sale(PRO, plans_from, per_star) == is_for_sale

    await db.write(unit)
