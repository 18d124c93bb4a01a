"""Stored notices: claimed by one process at a time, and kept until every admin has received them."""

from datetime import timedelta
from functools import partial

import pytest

from engine.money import Money
from storage.alerts.admin_notices import (
    CLAIM,
    FIRST_PAUSE,
    KEPT,
    LONGEST_PAUSE,
    AdminNotice,
    claim,
    pause,
    queue,
    queue_once,
    settle,
)
from storage.database.database import Database
from tests.storage.books import NOW

ADMINS = (1, 2)
MS = timedelta(milliseconds=1)


async def claimed(db: Database, after: timedelta = timedelta(0)) -> list[AdminNotice]:
    return await db.write(partial(claim, now=NOW + after))


async def test_notice_is_read_as_it_was_stored_oldest_first(db: Database) -> None:
    await db.write(partial(queue, key="a", values={"usd": Money(5)}, now=NOW))
    await db.write(partial(queue, key="b", values={}, now=NOW))
    first, second = await claimed(db)
    assert (first.key, first.values, first.told, first.tries, first.made_at) == (
        "a",
        {"usd": Money(5)},
        frozenset(),
        0,
        NOW,
    )
    assert second.key == "b"


async def test_claimed_notice_is_left_to_its_process_for_a_while(db: Database) -> None:
    await db.write(partial(queue, key="a", values={}, now=NOW))
    assert len(await claimed(db)) == 1
    assert await claimed(db, CLAIM - MS) == []
    assert len(await claimed(db, CLAIM)) == 1


async def test_notice_is_kept_until_every_admin_is_told(db: Database) -> None:
    await db.write(partial(queue, key="a", values={}, now=NOW))
    (notice,) = await claimed(db)
    assert not await db.write(partial(settle, notice=notice, told=frozenset({1}), admins=ADMINS, now=NOW))
    assert await claimed(db, FIRST_PAUSE - MS) == []
    (notice,) = await claimed(db, FIRST_PAUSE)
    assert (notice.told, notice.tries) == (frozenset({1}), 1)
    assert await db.write(partial(settle, notice=notice, told=frozenset({1, 2}), admins=ADMINS, now=NOW))
    assert await claimed(db, KEPT) == []


@pytest.mark.parametrize(("age", "is_over"), [(KEPT - MS, False), (KEPT, True)])
async def test_notice_is_given_up_after_a_day(db: Database, age: timedelta, is_over: bool) -> None:
    await db.write(partial(queue, key="a", values={}, now=NOW))
    (notice,) = await claimed(db)
    settled = partial(settle, notice=notice, told=frozenset(), admins=ADMINS, now=NOW + age)
    assert await db.write(settled) is is_over


async def test_notice_under_one_name_is_stored_once(db: Database) -> None:
    once = partial(queue_once, key="a", values={}, now=NOW)
    assert [await db.write(partial(once, once=name)) for name in ("x", "x", "y")] == [True, False, True]
    assert len(await claimed(db)) == 2


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause(tries) for tries in (0, 1, 2)] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pause(6) == pause(10**6) == LONGEST_PAUSE
