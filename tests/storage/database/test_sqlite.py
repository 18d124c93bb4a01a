"""SqliteDatabase: pragmas, batches that fail, shutdown, and reading a file without changing it."""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from storage.database import sqlite, sqlite_setup
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.database.leases import Lease
from storage.database.sqlite import Readers, Writer, query_file
from storage.database.write_queue import BatchUnit, DatabaseClosed, NotBatchable, SyncedLater
from tests.storage.books import FixedClock
from tests.storage.marks import MarkUnit, insert_mark, marks


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "farthing.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


def test_writer_syncs_and_readers_cannot_write(tmp_path: Path) -> None:
    writer, readers = Writer(f"{tmp_path}/x.db"), Readers(f"{tmp_path}/x.db")
    assert _pragmas(writer._raw) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "query_only": 0,
        "wal_autocheckpoint": 16_000,
    }
    assert len(readers._all) == sqlite.READERS
    for raw in readers._all:
        assert _pragmas(raw) | {"synchronous": 2} == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 10_000,
            "query_only": 1,
            "wal_autocheckpoint": 0,
        }
    readers.close()
    writer.start()
    writer.stop()


def test_deleted_texts_are_overwritten_in_the_file(tmp_path: Path) -> None:
    raw = sqlite_setup.connect(f"{tmp_path}/x.db", writer=True)
    raw.execute("CREATE TABLE t (a)")
    raw.executemany("INSERT INTO t VALUES (?)", [("my secret " * 1000,), ("short secret",), ("kept",)])
    raw.execute("DELETE FROM t WHERE a LIKE '%secret%'")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    left = (tmp_path / "x.db").read_bytes()
    assert b"secret" not in left
    assert b"kept" in left
    assert sqlite_setup.SECURE in sqlite_setup.WRITER_PRAGMAS


async def test_missing_folder_is_created(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path}/deep/er/x.db") as db:
        assert await db.read(lambda conn: conn.rows("SELECT 1 AS one")) == [{"one": 1}]


async def test_failed_commit_of_a_batch_is_an_error_for_each_unit(db: Database) -> None:
    assert isinstance(db, sqlite.SqliteDatabase)
    started, proceed, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def block(_conn: Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        proceed.wait(10)

    def break_commit(conn: Connection) -> None:
        conn.run("PRAGMA defer_foreign_keys = ON")
        conn.run("INSERT INTO code_tries (tenant_id, tried_at) VALUES (-1, 0)")

    blocking = db.submit(block)
    await started.wait()
    units = (insert_mark("a"), break_commit, insert_mark("b"))
    batch: list[asyncio.Future[Any]] = [db.submit(unit) for unit in units]
    proceed.set()
    await blocking
    results = await asyncio.gather(*batch, return_exceptions=True)
    assert [type(result) for result in results] == [sqlite3.IntegrityError] * 3
    assert await db.read(marks) == {}
    await db.write(insert_mark("later"))
    assert await db.read(marks) == {"later": "x"}


async def test_batch_unit_that_fails_runs_alone_with_the_others(db: Database) -> None:
    units = [MarkUnit("a"), MarkUnit("b", fails=True), MarkUnit("c")]
    results = await asyncio.gather(*map(db.write, units), return_exceptions=True)
    assert isinstance(results[1], ValueError)
    assert set(await db.read(marks)) == {"a", "c"}


class _SyncUnit(BatchUnit):
    """Returns the level of `synchronous` that its commit has: 1 without a sync to the disk, 2 with it."""

    def __init__(self, *, syncs_later: bool = True, fails: bool = False) -> None:
        self._syncs_later, self._fails = syncs_later, fails

    @property
    def syncs_later(self) -> bool:
        return self._syncs_later

    def __call__(self, conn: Connection) -> int:
        if self._fails:
            raise ValueError
        return _synchronous(conn)

    @classmethod
    def run_batch(cls, conn: Connection, units: Sequence[Self]) -> list[int]:
        if any(unit._fails for unit in units):
            raise NotBatchable
        return [_synchronous(conn)] * len(units)


def _synchronous(conn: Connection) -> int:
    assert isinstance(conn, sqlite_setup.SqliteConnection)
    return int(conn.raw.execute("PRAGMA synchronous").fetchone()[0])


async def test_commit_is_synced_unless_all_of_its_units_sync_later(url: str) -> None:
    async with open_database(url) as db:
        assert list(await asyncio.gather(db.submit(_SyncUnit()), db.submit(_SyncUnit()))) == [1, 1]
        assert list(await asyncio.gather(db.submit(_SyncUnit()), db.submit(_SyncUnit(syncs_later=False)))) == [2, 2]
        assert list(await asyncio.gather(db.submit(_SyncUnit()), db.submit(_synchronous))) == [2, 2]
        assert await db.write(_SyncUnit()) == 1
        assert list(await asyncio.gather(db.submit(SyncedLater(_synchronous)), db.submit(_SyncUnit()))) == [1, 1]
        assert list(await asyncio.gather(db.submit(SyncedLater(_synchronous)), db.submit(_synchronous))) == [2, 2]
        assert await db.write(_synchronous) == 2


async def test_unit_that_fails_beside_units_that_sync_later_is_not_kept_from_them(url: str) -> None:
    async with open_database(url) as db:
        units = [_SyncUnit(), _SyncUnit(fails=True)]
        found = await asyncio.gather(*map(db.submit, units), return_exceptions=True)
        assert found[0] == 1
        assert isinstance(found[1], ValueError)
        assert await db.write(_synchronous) == 2


async def test_writer_finishes_queued_units_before_it_stops(url: str) -> None:
    async with open_database(url) as db:
        queued = [db.submit(insert_mark(f"n{number}")) for number in range(20)]
    assert len(await asyncio.gather(*queued)) == 20
    async with open_database(url) as again:
        assert len(await again.read(marks)) == 20


async def test_unit_waits_for_the_next_commit_and_precedes_its_units(url: str) -> None:
    async with open_database(url) as db:
        along = asyncio.create_task(db.write_along(marks, 60))
        await asyncio.sleep(0)
        await db.write(insert_mark("a"))
        assert await along == {}


async def test_unit_that_no_other_one_follows_is_committed_in_time(url: str) -> None:
    async with open_database(url) as db:
        await db.write_along(insert_mark("a"), 0.01)
        assert await db.read(marks) == {"a": "x"}


async def test_unit_runs_although_its_waiter_was_cancelled(url: str) -> None:
    async with open_database(url) as db:
        along = asyncio.create_task(db.write_along(insert_mark("a"), 60))
        await asyncio.sleep(0)
        along.cancel()
        await asyncio.wait([along])
        assert along.cancelled()
    async with open_database(url) as again:
        assert set(await again.read(marks)) == {"a"}


async def test_standstill_is_noticed_by_a_renewal_that_waits_for_a_commit(url: str) -> None:
    async with open_database(url) as db:
        clock, held = FixedClock(), list[bool]()
        own = Lease(db, clock, lease_seconds=6)

        async def drop_lost() -> None:
            held.append(own.is_held())

        own.after_lapse(drop_lost)
        await own.renew()
        renewal = asyncio.create_task(own.renew(60))
        await asyncio.sleep(0)
        clock.move(timedelta(seconds=7))
        await db.write(insert_mark("a"))
        await renewal
        assert (held, own.is_held()) == ([False], True)


async def test_writer_refuses_units_after_it_stopped(url: str) -> None:
    async with open_database(url) as db:
        pass
    with pytest.raises(DatabaseClosed, match="the database is closed"):
        db.submit(insert_mark("late"))


async def test_readers_work_at_the_same_time_on_snapshots_of_their_own(db: Database) -> None:
    both = threading.Barrier(sqlite.READERS)

    def query(conn: Connection) -> int:
        both.wait(10)
        return len(conn.rows("SELECT 1 AS one"))

    assert await asyncio.gather(*(db.read(query) for _ in range(sqlite.READERS))) == [1] * sqlite.READERS


async def test_reader_is_usable_after_a_query_raised(db: Database) -> None:
    def fail(_conn: Connection) -> None:
        raise ValueError("no")

    for _ in range(sqlite.READERS + 1):
        with pytest.raises(ValueError, match="no"):
            await db.read(fail)
    assert await db.read(marks) == {}


def test_query_file_reads_without_changing_the_file(url: str, tmp_path: Path) -> None:
    path = tmp_path / "farthing.db"
    before = path.read_bytes()
    assert query_file(str(path), marks) == {}
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        query_file(str(path), insert_mark("a"))
    assert path.read_bytes() == before
    assert url.endswith(str(path))


def test_query_file_does_not_create_a_file(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        query_file(str(tmp_path / "none.db"), marks)
    assert not (tmp_path / "none.db").exists()


def test_query_file_accepts_names_with_url_characters(url: str, tmp_path: Path) -> None:
    path = tmp_path / "50% of?what#x.db"
    (tmp_path / "farthing.db").rename(path)
    assert query_file(str(path), marks) == {}
    assert url


def _pragmas(raw: sqlite3.Connection) -> dict[str, object]:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only", "wal_autocheckpoint")
    with closing(raw.cursor()) as cursor:
        return {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in names}


async def test_key_is_read_by_the_thread_of_the_event_loop_and_sees_each_commit(url: str) -> None:
    async with open_database(url) as db:

        def threads(conn: Connection) -> tuple[int, list[str]]:
            return threading.get_ident(), list(marks(conn))

        assert await db.read_key(threads) == (threading.get_ident(), [])
        await db.write(insert_mark("a"))
        assert await db.read_key(threads) == (threading.get_ident(), ["a"])
        assert (await db.read(threads))[0] != threading.get_ident()


async def test_key_is_read_by_a_thread_where_the_database_is_locked(url: str) -> None:
    async with open_database(url) as db:
        tries: list[int] = []

        def locked_once(conn: Connection) -> list[str]:
            tries.append(threading.get_ident())
            if len(tries) == 1:
                raise sqlite3.OperationalError("database is locked")
            return list(marks(conn))

        assert await db.read_key(locked_once) == []
        assert tries[0] == threading.get_ident() != tries[1]
