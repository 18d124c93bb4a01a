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


async def test_old_keys_are_deleted_and_may_be_recorded_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        notices.first_time(conn, "old", NOW - timedelta(days=91))
        notices.first_time(conn, "new", NOW - timedelta(days=90))
        assert notices.sweep(conn, NOW) == 1
        assert notices.first_time(conn, "old", NOW)
        assert not notices.first_time(conn, "new", NOW)

    await db.write(unit)
