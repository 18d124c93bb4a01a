"""Watch: counters of changes to the columns that a reader remembers."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from storage.database import write_queue as ours
from storage.database.connection import Connection
from storage.database.database import Database
from storage.database.sqlite_setup import SqliteConnection
from storage.database.write_queue import Watched
from tests.storage.books import tenant
from tests.storage.kinds import on_postgresql, on_sqlite

WATCHED = (Watched("tenants", ("plan", "banned")), Watched("watermarks", ("value",)))


@pytest.fixture
async def owner(db: Database) -> int:
    return await db.write(lambda conn: tenant(conn, "1"))


@on_sqlite
@pytest.mark.parametrize(
    ("sql", "counts"),
    [
        ("UPDATE tenants SET plan = 'pro' WHERE id = :id", True),
        ("UPDATE tenants SET banned = 1, name = 'x' WHERE id = :id", True),
        ("UPDATE tenants SET name = 'x' WHERE id = :id", False),
        ("UPDATE tenants SET plan = 'pro' WHERE id = :id + 1", False),
        ("UPDATE tenants SET plan = 'pro' WHERE id = :id RETURNING id", True),
        ("INSERT INTO watermarks (name, value) VALUES (:id, 'x')", False),
        ("SELECT plan FROM tenants WHERE id = :id", False),
    ],
)
async def test_change_of_a_watched_column_is_counted(db: Database, owner: int, sql: str, counts: bool) -> None:
    watch = await db.watch(WATCHED)
    assert watch is not None
    await db.write(lambda conn: conn.rows(sql, id=owner))
    assert watch.count == counts
    await db.write(lambda conn: conn.rows("SELECT 1 AS one"))
    assert watch.count == counts


@on_sqlite
async def test_deleted_row_is_a_change(db: Database, owner: int) -> None:
    watch = await db.watch(WATCHED)
    assert watch is not None
    await db.write(lambda conn: conn.run("INSERT INTO watermarks (name, value) VALUES ('x', 'y')"))
    await db.write(lambda conn: conn.run("DELETE FROM watermarks WHERE name = 'x'"))
    assert (watch.count, owner) == (1, owner)


@on_sqlite
async def test_new_row_is_a_change_where_it_is_watched(db: Database, owner: int) -> None:
    assert owner
    watch = await db.watch((Watched("watermarks", ("value",), with_new_rows=True),))
    assert watch is not None
    await db.write(lambda conn: conn.run("INSERT INTO watermarks (name, value) VALUES ('x', 'y')"))
    assert watch.count == 1


@on_sqlite
async def test_change_in_a_batch_that_is_replayed_is_counted(db: Database, owner: int) -> None:
    watch = await db.watch(WATCHED)
    assert watch is not None

    def fail(_: Connection) -> None:
        raise ValueError

    def change(conn: Connection) -> None:
        conn.run("UPDATE tenants SET plan = 'pro' WHERE id = :id", id=owner)

    units: list[Callable[[Connection], None]] = [change, fail]
    await asyncio.gather(*map(db.write, units), return_exceptions=True)
    assert watch.count == 1


@on_sqlite
async def test_two_watches_count_for_themselves(db: Database, owner: int) -> None:
    first, second = await db.watch(WATCHED[:1]), await db.watch(WATCHED[1:])
    assert first is not None
    assert second is not None
    await db.write(lambda conn: conn.run("UPDATE tenants SET banned = 1 WHERE id = :id", id=owner))
    assert (first.count, second.count) == (1, 0)


@on_postgresql
async def test_nothing_is_known_where_other_processes_write(db: Database) -> None:
    assert await db.watch(WATCHED) is None


@on_sqlite
async def test_change_by_another_program_is_counted_with_a_later_commit(
    db: Database, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "LOOK_SECONDS", 0.0)
    watch = await db.watch(WATCHED)
    assert watch is not None
    await db.write(lambda conn: conn.rows("SELECT 1 AS one"))
    before = watch.count
    await db.write(lambda conn: conn.run("UPDATE tenants SET name = 'own' WHERE id = :id", id=owner))
    assert watch.count == before
    with closing(sqlite3.connect(db.url.removeprefix("sqlite:///"))) as other, other:
        other.execute("UPDATE tenants SET banned = 1")
    await db.write(lambda conn: conn.rows("SELECT 1 AS one"))
    assert watch.count == before + 1


@on_sqlite
async def test_look_that_fails_is_a_change_and_writes_go_on(
    db: Database, owner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "LOOK_SECONDS", 0.0)
    watch = await db.watch(WATCHED)
    assert watch is not None

    def refuse_the_look(conn: Connection) -> None:
        assert isinstance(conn, SqliteConnection)
        conn.raw.set_authorizer(
            lambda _, name, *__: sqlite3.SQLITE_DENY if name == "data_version" else sqlite3.SQLITE_OK
        )

    await asyncio.wait_for(db.write(refuse_the_look), 60)
    before = watch.count
    await asyncio.wait_for(
        db.write(lambda conn: conn.run("UPDATE tenants SET name = 'x' WHERE id = :id", id=owner)), 60
    )
    assert watch.count > before
