import asyncio
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest

from storage.database.connection import Connection, scalar
from storage.database.database import open_database
from tests.storage.conftest import Server


@pytest.fixture
def address(postgres_server: Server, postgres_template: str) -> str:
    return postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)


async def test_a_connection_lost_at_rest_is_replaced_unseen(postgres_server: Server, address: str) -> None:
    async with open_database(address) as db:
        lost = await db.write(lambda conn: scalar(conn, "SELECT pg_backend_pid() AS pid"))
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (lost,))
        found = await db.write(lambda conn: scalar(conn, "SELECT pg_backend_pid() AS pid"))
        assert found != lost


async def test_a_deadlock_is_run_again_and_nobody_hears_of_it(postgres_server: Server, postgres_template: str) -> None:
    """Two units lock two rows in opposite order, and each waits for the other's first lock."""
    url = postgres_server.create(f"{postgres_template}_ring", postgres_template)
    meeting, tries = threading.Barrier(2), []

    def crossing(first: str, second: str) -> Callable[[Connection], None]:
        def unit(conn: Connection) -> None:
            tries.append(first)
            add = "UPDATE watermarks SET value = value || 'x' WHERE name = :name"
            conn.run(add, name=first)
            with suppress(threading.BrokenBarrierError):
                meeting.wait(5)
            meeting.abort()  # whoever comes again finds nobody to wait for
            conn.run(add, name=second)

        return unit

    def rows(conn: Connection) -> None:
        conn.run("INSERT INTO watermarks (name, value) VALUES ('a', ''), ('b', '')")

    async with open_database(url) as db:
        await db.write(rows)
        await asyncio.gather(db.write(crossing("a", "b")), db.write(crossing("b", "a")))
        values = await db.read(lambda conn: [found["value"] for found in conn.rows("SELECT * FROM watermarks")])
    assert values == ["xx", "xx"]
    assert len(tries) >= 3


async def test_a_unit_that_swallows_an_error_is_not_told_that_it_was_kept(address: str) -> None:
    def unit(conn: Connection) -> str:
        conn.run("INSERT INTO watermarks (name, value) VALUES ('a', '')")
        with suppress(psycopg.Error):
            conn.run("SELECT no such thing")
        return "kept"

    async with open_database(address) as db:
        with pytest.raises(psycopg.Error, match="was rolled back"):
            await db.write(unit)
        assert await db.read(lambda conn: conn.rows("SELECT * FROM watermarks")) == []
