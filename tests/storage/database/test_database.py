import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.database.connection import Connection, scalar
from storage.database.database import Database, migrations_pending, open_database
from storage.database.dates import moment, ms
from storage.database.sqlite import Readers, Writer, connect


def mark(name: str, *, fail: bool = False) -> Callable[[Connection], str]:
    def unit(conn: Connection) -> str:
        conn.run("INSERT INTO watermarks (name, value) VALUES (:name, 'x')", name=name)
        if fail:
            raise ValueError(name)
        return name

    return unit


def names(conn: Connection) -> set[str]:
    return {found["name"] for found in conn.rows("SELECT name FROM watermarks")}


async def test_what_a_unit_wrote_is_there_for_every_reader(db: Database) -> None:
    assert await db.write(mark("a")) == "a"
    assert await db.read(names) == {"a"}


async def test_a_unit_that_raises_undoes_its_own_work_and_nobody_elses(db: Database) -> None:
    units = [db.write(mark(f"n{i}", fail=i % 7 == 3)) for i in range(50)]
    results = await asyncio.gather(*units, return_exceptions=True)
    failed = {i for i, result in enumerate(results) if isinstance(result, ValueError)}
    assert failed == {i for i in range(50) if i % 7 == 3}
    assert await db.read(names) == {f"n{i}" for i in range(50) if i not in failed}


async def test_a_broken_constraint_is_its_own_units_fault_alone(db: Database) -> None:
    results = await asyncio.gather(*(db.write(mark("same")) for _ in range(5)), return_exceptions=True)
    assert sum(result == "same" for result in results) == 1
    assert sum(isinstance(result, Exception) for result in results) == 4


async def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        await db.read(mark("a"))
    assert await db.read(names) == set()


async def test_cancelling_the_wait_does_not_undo_the_work(url: str) -> None:
    begun, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def unit(conn: Connection) -> None:
        mark("a")(conn)
        loop.call_soon_threadsafe(begun.set)
        go.wait(10)

    async with open_database(url) as first:
        waiting = asyncio.create_task(first.write(unit))
        await begun.wait()
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()  # it ends with the commit
        go.set()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()
    async with open_database(url) as second:
        assert await second.read(names) == {"a"}


async def test_many_units_at_once_lose_nothing(db: Database) -> None:
    def add_one(conn: Connection) -> int:
        lock = " FOR UPDATE" if conn.dialect == "postgresql" else ""
        value = int(scalar(conn, f"SELECT value FROM watermarks WHERE name = 'n'{lock}"))
        conn.run("UPDATE watermarks SET value = :value WHERE name = 'n'", value=str(value + 1))
        return value

    await db.write(lambda conn: conn.run("INSERT INTO watermarks (name, value) VALUES ('n', '0')"))
    seen = await asyncio.gather(*(db.write(add_one) for _ in range(200)))
    assert sorted(seen) == list(range(200))


async def test_a_migrated_database_has_nothing_pending(db: Database) -> None:
    assert await db.read(migrations_pending) is False


async def test_a_literal_percent_and_a_cast_survive_the_translation(db: Database) -> None:
    cast = "CAST(:n AS TEXT)" if db.dialect == "sqlite" else ":n::text"
    found = await db.read(lambda conn: scalar(conn, f"SELECT {cast} || '%' AS x WHERE 'ab' LIKE 'a%'", n=5))
    assert found == "5%"


def test_every_sqlite_connection_keeps_the_rules(tmp_path: object) -> None:
    path = f"{tmp_path}/x.db"
    writer, readers = Writer(path), Readers(path)
    assert _pragmas(writer._raw) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "query_only": 0,
        "wal_autocheckpoint": 16_000,
    }
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


async def test_a_closed_database_says_so_instead_of_waiting_forever(url: str) -> None:
    async with open_database(url) as opened:
        pass
    with pytest.raises(Exception, match=r"closed|shutdown|cannot"):
        await asyncio.wait_for(opened.write(mark("late")), 2)


def test_times_are_whole_milliseconds_and_come_back_the_same() -> None:
    for stored in (0, 1, 999, 1_764_000_000_123, 4_102_444_800_999):
        assert ms(moment(stored)) == stored


def _pragmas(raw: sqlite3.Connection) -> dict[str, object]:
    names = (
        "journal_mode",
        "synchronous",
        "foreign_keys",
        "busy_timeout",
        "query_only",
        "wal_autocheckpoint",
    )
    return {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in names}


def test_what_is_no_database_is_not_left_open(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("no database " * 500)
    with pytest.raises(sqlite3.DatabaseError) as kept:  # the error keeps what it came through alive
        connect(str(path), writer=True)
    opened = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert kept.value.args
    assert str(path) not in opened
