"""Requests per minute over all processes: exactly the limit is allowed, even for simultaneous requests."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from engine.ports import FullWindow, RequestWindow
from storage.database.database import Database, open_database
from storage.ledger import request_windows
from storage.ledger.request_windows import SqlRequestWindows
from tests.storage.conftest import Server

TENANT, KEY = RequestWindow("tenant", 1, 5), RequestWindow("key", 9, 3)


@pytest.fixture
async def url(postgres_server: Server, postgres_template: str) -> str:
    return postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    async with open_database(url) as opened:
        yield opened


async def admitted(windows: SqlRequestWindows, *wanted: RequestWindow) -> bool:
    try:
        await windows.count(wanted)
    except FullWindow:
        return False
    return True


async def test_racing_processes_admit_as_many_as_the_limit(db: Database, url: str) -> None:
    async with open_database(url) as other:
        each = [SqlRequestWindows(db), SqlRequestWindows(other)]
        done = await asyncio.gather(*(admitted(each[number % 2], TENANT) for number in range(60)))
    assert sum(done) == 5


async def test_request_counts_in_all_its_windows_or_in_none(db: Database) -> None:
    windows = SqlRequestWindows(db)
    assert [await admitted(windows, TENANT, KEY) for _ in range(4)] == [True, True, True, False]
    (left,) = await windows.count([TENANT])
    assert len(left.ages_seconds) == 4  # the refused one was not counted
    assert left.ages_seconds == tuple(sorted(left.ages_seconds, reverse=True))


async def test_window_has_space_again_a_minute_later(db: Database) -> None:
    windows = SqlRequestWindows(db)
    assert [await admitted(windows, KEY) for _ in range(4)] == [True, True, True, False]
    await db.write(lambda conn: conn.run("UPDATE request_windows SET times[1] = times[1] - 60001"))
    assert [await admitted(windows, KEY) for _ in range(2)] == [True, False]
    with pytest.raises(FullWindow) as full:
        await windows.count([KEY])
    assert len(full.value.counted.ages_seconds) == 3


async def test_idle_windows_are_deleted(db: Database) -> None:
    windows = SqlRequestWindows(db)
    await windows.count([TENANT])
    await windows.count([KEY])
    old = "UPDATE request_windows SET times[1] = times[1] - 3600001 WHERE kind = 'key'"
    await db.write(lambda conn: conn.run(old))
    assert [await db.write(request_windows.sweep) for _ in range(2)] == [1, 0]
