from datetime import timedelta

import pytest

from engine.errors import SpendingCapReached
from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports.caps import SpendingCap, SpendingCaps
from tests.storage.books import NOW, FixedClock, bid, pay, take, tenant

TENTH = Money.usd("0.10")


def cost(conn: Connection, request: str) -> None:
    """An answer that cost the house 0.09 USD."""
    asked = bid(tenant(conn, "1"), request, input_tokens=1_000)
    pay(conn, asked, take(conn, asked), cost_atto=9 * 10**16)


async def test_cap_refuses_only_once_it_is_reached(db: Database) -> None:
    clock = FixedClock()
    caps = SpendingCaps(db, clock, TENTH, None)
    await db.write(lambda conn: cost(conn, "r1"))
    await caps.check()
    (near,) = await caps.caps()
    assert (near.key, near.percent) == (f"day:{NOW:%Y-%m-%d}", 90)
    await db.write(lambda conn: cost(conn, "r2"))
    clock.move(timedelta(seconds=2))
    with pytest.raises(SpendingCapReached):
        await caps.check()


async def test_earlier_day_counts_for_the_month_only(db: Database) -> None:
    clock = FixedClock()
    caps = SpendingCaps(db, clock, TENTH, Money.usd("0.15"))
    await db.write(lambda conn: cost(conn, "r1"))
    clock.move(timedelta(days=1))
    assert await caps.caps() == [
        SpendingCap("day", f"day:{clock.at:%Y-%m-%d}", Money(0), TENTH),
        SpendingCap("month", f"month:{NOW:%Y-%m}", Money.usd("0.09"), Money.usd("0.15")),
    ]
    clock.move(timedelta(days=30))
    assert [each.spent for each in await caps.caps()] == [Money(0), Money(0)]


async def test_cap_of_zero_refuses_everything(db: Database) -> None:
    with pytest.raises(SpendingCapReached):
        await SpendingCaps(db, FixedClock(), Money(0), None).check()


async def test_without_a_cap_nothing_is_refused(db: Database) -> None:
    caps = SpendingCaps(db, FixedClock(), None, None)
    await caps.check()
    assert await caps.caps() == []
