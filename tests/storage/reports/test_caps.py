from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from engine.errors import SpendingCapReached
from engine.money import ZERO, Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports.caps import FRESH_SECONDS, SpendingCap, SpendingCaps
from tests.storage.books import NOW, FixedClock
from tests.storage.reports.attempts import attempt, write

LIMIT = Money(1_000)
FRESH, MS = timedelta(seconds=FRESH_SECONDS), timedelta(milliseconds=1)


def spend(conn: Connection, request_id: str, nanousd: int, at: datetime = NOW) -> None:
    write(conn, attempt(request_id, cost=Money(nanousd), waste=Money(nanousd // 2), started_at=at))


async def test_spending_below_the_cap_is_allowed_and_at_the_cap_refused(db: Database) -> None:
    clock = FixedClock()
    caps = SpendingCaps(db, clock, LIMIT, None)
    await db.write(lambda conn: spend(conn, "r1", 999))
    await caps.check()
    (cap,) = await caps.caps()
    assert cap == SpendingCap("day", f"day:{NOW:%Y-%m-%d}", Money(999), LIMIT)
    assert cap.percent == 99
    await db.write(lambda conn: spend(conn, "r2", 1))
    clock.move(FRESH)
    with pytest.raises(SpendingCapReached) as refused:
        await caps.check()
    assert refused.value.per == "day"


async def test_spending_is_read_again_after_two_seconds(db: Database) -> None:
    clock = FixedClock()
    caps = SpendingCaps(db, clock, LIMIT, None)
    await caps.check()
    await db.write(lambda conn: spend(conn, "r1", 5_000))
    clock.move(FRESH - MS)
    await caps.check()
    clock.move(MS)
    with pytest.raises(SpendingCapReached):
        await caps.check()


async def test_earlier_day_counts_for_the_month_only(db: Database) -> None:
    clock = FixedClock()
    caps = SpendingCaps(db, clock, LIMIT, Money(1_500))
    await db.write(lambda conn: spend(conn, "r1", 900))
    clock.move(timedelta(days=1))
    assert await caps.caps() == [
        SpendingCap("day", f"day:{clock.at:%Y-%m-%d}", ZERO, LIMIT),
        SpendingCap("month", f"month:{NOW:%Y-%m}", Money(900), Money(1_500)),
    ]
    await db.write(lambda conn: spend(conn, "r2", 600, clock.at))
    clock.move(FRESH)
    with pytest.raises(SpendingCapReached):
        await caps.check()
    clock.move(timedelta(days=30))
    assert [each.spent for each in await caps.caps()] == [ZERO, ZERO]


async def test_month_begins_at_its_first_utc_day(db: Database) -> None:
    first = datetime(2026, 11, 1, tzinfo=UTC)
    await db.write(lambda conn: spend(conn, "october", 5_000, first - MS))
    await db.write(lambda conn: spend(conn, "november", 10, first))
    for at, spent in ((first, 10), (first + timedelta(days=1), 10)):
        (cap,) = await SpendingCaps(db, FixedClock(at), None, LIMIT).caps()
        assert cap.spent == Money(spent)


async def test_cap_of_zero_refuses_everything(db: Database) -> None:
    caps = SpendingCaps(db, FixedClock(), ZERO, None)
    assert caps.is_set
    with pytest.raises(SpendingCapReached):
        await caps.check()
    assert [each.percent for each in await caps.caps()] == [100]


async def test_without_a_cap_nothing_is_refused_or_read() -> None:
    caps = SpendingCaps(cast(Database, None), FixedClock(), None, None)
    await caps.check()
    assert (caps.is_set, await caps.caps()) == (False, [])
