"""The contract of Database on SQLite and PostgreSQL, and its factory."""

import asyncio
import threading

import pytest

from storage.database.connection import Connection, scalar
from storage.database.database import Database, foreign_schema, migrations_pending, open_database, refuses_writes
from storage.database.pool import PostgresDatabase
from storage.database.sqlite import SqliteDatabase
from storage.database.write_queue import DatabaseClosed
from tests.storage.marks import insert_mark, marks


async def test_committed_write_is_visible_to_readers(db: Database) -> None:
    assert await db.write(insert_mark("a")) == "a"
    assert await db.read(marks) == {"a": "x"}


async def test_unit_that_raises_undoes_its_own_work_only(db: Database) -> None:
    units = [db.write(insert_mark(f"n{i}", fails=i % 7 == 3)) for i in range(50)]
    results = await asyncio.gather(*units, return_exceptions=True)
    failed = {i for i, result in enumerate(results) if isinstance(result, ValueError)}
    assert failed == {i for i in range(50) if i % 7 == 3}
    assert set(await db.read(marks)) == {f"n{i}" for i in range(50) if i not in failed}


async def test_violated_constraint_fails_its_own_unit_only(db: Database) -> None:
    results = await asyncio.gather(*(db.write(insert_mark("same")) for _ in range(5)), return_exceptions=True)
    assert sum(result == "same" for result in results) == 1
    assert sum(isinstance(result, Exception) for result in results) == 4


async def test_read_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        await db.read(insert_mark("a"))
    assert await db.read(marks) == {}


async def test_cancelled_write_is_committed_before_the_cancellation_takes_effect(url: str) -> None:
    started, proceed = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def unit(conn: Connection) -> None:
        insert_mark("a")(conn)
        loop.call_soon_threadsafe(started.set)
        proceed.wait(10)

    async with open_database(url) as first:
        waiting = asyncio.create_task(first.write(unit))
        await started.wait()
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
        proceed.set()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()
    async with open_database(url) as second:
        assert set(await second.read(marks)) == {"a"}


async def test_concurrent_updates_of_one_row_lose_nothing(db: Database) -> None:
    def add_one(conn: Connection) -> int:
        locking = " FOR UPDATE" if conn.dialect == "postgresql" else ""
        value = int(scalar(conn, f"SELECT value FROM watermarks WHERE name = 'n'{locking}"))
        conn.run("UPDATE watermarks SET value = :value WHERE name = 'n'", value=str(value + 1))
        return value

    await db.write(lambda conn: conn.run("INSERT INTO watermarks (name, value) VALUES ('n', '0')"))
    seen = await asyncio.gather(*(db.write(add_one) for _ in range(200)))
    assert sorted(seen) == list(range(200))


async def test_migrated_database_has_no_pending_migrations(db: Database) -> None:
    assert await db.read(migrations_pending) is False


async def test_older_revision_has_pending_migrations(db: Database) -> None:
    await db.write(lambda conn: conn.run("UPDATE alembic_version SET version_num = '0001'"))
    assert await db.read(migrations_pending) is True


async def test_schema_of_this_release_or_an_older_one_is_our_own(db: Database) -> None:
    for revision in (None, "0001"):
        if revision:
            await db.write(lambda conn: conn.run("UPDATE alembic_version SET version_num = '0001'"))
        assert await db.read(foreign_schema) == ""
    await db.write(lambda conn: conn.run("UPDATE alembic_version SET version_num = 'abc'"))
    assert "revision abc" in await db.read(foreign_schema)
    await db.write(lambda conn: conn.run("DROP TABLE alembic_version"))
    assert "tables of another application" in await db.read(foreign_schema)


async def test_only_a_read_only_server_refuses_writes(db: Database, url: str) -> None:
    assert not await db.read(refuses_writes)
    if url.startswith("sqlite"):
        return
    (name,) = await db.read(lambda conn: [each["name"] for each in conn.rows("SELECT current_database() AS name")])
    await db.write(lambda conn: conn.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    async with open_database(url) as opened:
        assert await opened.read(refuses_writes)
    await db.write(lambda conn: conn.run(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'))


async def test_closed_database_raises_instead_of_waiting(url: str) -> None:
    async with open_database(url) as opened:
        pass
    with pytest.raises(DatabaseClosed):
        await asyncio.wait_for(opened.write(insert_mark("late")), 60)


def test_url_chooses_the_database() -> None:
    relative, absolute = open_database("sqlite:///farthing.db"), open_database("sqlite:////srv/farthing.db")
    assert isinstance(relative, SqliteDatabase)
    assert isinstance(absolute, SqliteDatabase)
    assert (relative.path, absolute.path, relative.dialect) == ("farthing.db", "/srv/farthing.db", "sqlite")
    for scheme in ("postgres", "postgresql"):
        server = open_database(f"{scheme}://u:p@host/name")
        assert isinstance(server, PostgresDatabase)
        assert (server.url, server.dialect) == ("postgresql://u:p@host/name", "postgresql")
