"""Notices: each key is recorded once."""

import asyncio
from datetime import timedelta
from functools import partial

from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import notices
from tests.storage.books import NOW


async def test_key_is_recorded_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert notices.first_time(conn, "quota:1", NOW)
        assert not notices.first_time(conn, "quota:1", NOW + timedelta(days=1))
        assert notices.first_time(conn, "quota:2", NOW)

    await db.write(unit)


async def test_one_of_several_concurrent_callers_is_the_first(db: Database) -> None:
    claim = partial(notices.first_time, key="quota:1", now=NOW)
    assert sorted(await asyncio.gather(*(db.write(claim) for _ in range(5)))) == [False] * 4 + [True]


async def test_old_keys_are_deleted_in_chunks_except_those_of_the_reconciliation(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for key in ("old:1", "old:2", "stars:unknown:c1"):
            notices.first_time(conn, key, NOW - timedelta(days=91))
        notices.first_time(conn, "new", NOW - timedelta(days=90))
        sweep = partial(notices.sweep, conn, before=NOW - timedelta(days=90), limit=1)
        assert [sweep() for _ in range(3)] == [1, 1, 0]
        assert notices.first_time(conn, "old:1", NOW)
        assert not notices.first_time(conn, "new", NOW)
        assert not notices.first_time(conn, "stars:unknown:c1", NOW)

    await db.write(unit)


async def test_several_keys_are_recorded_at_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert notices.first_times(conn, ["a", "b"], NOW) == {"a", "b"}
        assert notices.first_times(conn, ["b", 'it\'s "c"'], NOW) == {'it\'s "c"'}
        assert notices.first_times(conn, [], NOW) == set()

    await db.write(unit)
