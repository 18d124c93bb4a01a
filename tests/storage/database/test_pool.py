"""PostgresDatabase: lost connections, retries, batches, locks and shutdown."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import errors

from storage.database import pool
from storage.database.connection import Connection, scalar
from storage.database.database import open_database
from storage.database.leases import Lease
from storage.database.write_queue import DatabaseClosed
from storage.ledger.ledger import HoldUnit, SqlLedger
from tests.storage.books import RATES, FixedClock, check_books, hold_request, tenant
from tests.storage.conflicts import LOCK_WAITS
from tests.storage.conftest import Server
from tests.storage.marks import MarkUnit, insert_mark, marks


@pytest.fixture
def url(postgres_server: Server, postgres_template: str) -> str:
    return postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)


def backend_pid(conn: Connection) -> int:
    return int(scalar(conn, "SELECT pg_backend_pid() AS pid"))


def terminate(server: Server, *pids: int) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as other:
        for pid in pids:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


async def test_units_share_the_connections_that_the_server_grants(postgres_server: Server, url: str) -> None:
    role = f"few{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 2".encode())
        try:
            async with open_database(url.replace("//postgres@", f"//{role}@")) as db:
                pids = await asyncio.gather(*(db.read(slow_backend_pid) for _ in range(40)))
            assert len(set(pids)) <= 2
        finally:
            admin.execute(f"DROP ROLE {role}".encode())


def slow_backend_pid(conn: Connection) -> int:
    conn.rows("SELECT pg_sleep(0.005)")
    return backend_pid(conn)


async def test_connection_lost_while_idle_is_replaced(postgres_server: Server, url: str) -> None:
    async with open_database(url) as db:
        lost = await db.write(backend_pid)
        terminate(postgres_server, lost)
        assert await db.write(backend_pid) != lost


async def test_connection_lost_inside_a_unit_is_an_error_and_is_not_used_again(
    postgres_server: Server, url: str
) -> None:
    def unit(conn: Connection) -> None:
        terminate(postgres_server, backend_pid(conn))
        conn.run("SELECT 1")

    async with open_database(url) as db:
        with pytest.raises(psycopg.OperationalError):
            await db.write(unit)
        await db.write(insert_mark("a"))
        assert await db.read(marks) == {"a": "x"}


async def test_unit_is_run_again_after_a_deadlock(url: str) -> None:
    """Two units lock two rows in opposite order, and each waits for the other's first lock."""
    both_locked, runs = threading.Barrier(2), []

    def update_both(first: str, second: str) -> Callable[[Connection], None]:
        def unit(conn: Connection) -> None:
            runs.append(first)
            add = "UPDATE watermarks SET value = value || 'x' WHERE name = :name"
            conn.run(add, name=first)
            with suppress(threading.BrokenBarrierError):
                both_locked.wait(5)
            both_locked.abort()  # a unit that runs again must not wait
            conn.run(add, name=second)

        return unit

    def rows(conn: Connection) -> None:
        conn.run("INSERT INTO watermarks (name, value) VALUES ('a', ''), ('b', '')")

    async with open_database(url) as db:
        await db.write(rows)
        await asyncio.gather(db.write(update_both("a", "b")), db.write(update_both("b", "a")))
        assert await db.read(marks) == {"a": "xx", "b": "xx"}
    assert len(runs) >= 3


@pytest.mark.parametrize(
    ("error", "runs"),
    [
        (errors.SerializationFailure, pool.ATTEMPTS),
        (errors.DeadlockDetected, pool.ATTEMPTS),
        (errors.LockNotAvailable, 1),
        (ValueError, 1),
    ],
)
async def test_only_conflicts_are_retried_and_not_forever(url: str, error: type[Exception], runs: int) -> None:
    seen: list[str] = []

    def unit(conn: Connection) -> None:
        insert_mark("a")(conn)
        seen.append("run")
        raise error("conflict")

    async with open_database(url) as db:
        with pytest.raises(error, match="conflict"):
            await db.write(unit)
        assert await db.read(marks) == {}
    assert len(seen) == runs


async def test_unit_that_swallows_an_sql_error_fails(url: str) -> None:
    def unit(conn: Connection) -> str:
        insert_mark("a")(conn)
        with suppress(psycopg.Error):
            conn.run("SELECT no such thing")
        return "kept"

    async with open_database(url) as db:
        with pytest.raises(psycopg.Error, match="was rolled back"):
            await db.write(unit)
        assert await db.read(marks) == {}


async def test_read_sees_one_snapshot(url: str) -> None:
    first_read, proceed, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def query(conn: Connection) -> tuple[int, int]:
        before = len(marks(conn))
        loop.call_soon_threadsafe(first_read.set)
        proceed.wait(10)
        return before, len(marks(conn))

    async with open_database(url) as db:
        reading = asyncio.ensure_future(db.read(query))
        await first_read.wait()
        await db.write(insert_mark("a"))
        proceed.set()
        assert await reading == (0, 0)


async def test_cancelled_read_does_not_disturb_the_pool(url: str) -> None:
    started, proceed, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def query(_conn: Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        proceed.wait(10)

    async with open_database(url) as db:
        reading = asyncio.ensure_future(db.read(query))
        await started.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        proceed.set()
        assert await db.write(insert_mark("a")) == "a"


async def test_batch_thread_replaces_a_connection_lost_while_idle(postgres_server: Server, url: str) -> None:
    async with open_database(url) as db:
        assert await db.write(MarkUnit("a")) == "batch"
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (url.split("/")[3].split("?", maxsplit=1)[0],),
            )
        assert await db.write(MarkUnit("b")) == "batch"


async def test_lost_commit_of_a_batch_is_an_error_for_each_unit(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(_raw: Any) -> None:
        raise psycopg.OperationalError("the connection was lost")

    async with open_database(url) as db:
        await db.write(MarkUnit("a"))
        with monkeypatch.context() as broken:
            broken.setattr("storage.database.pool.commit", lose)
            results = await asyncio.gather(*map(db.write, (MarkUnit("b"), MarkUnit("c"))), return_exceptions=True)
        assert [str(each) for each in results] == ["the connection was lost"] * 2
        assert await db.write(MarkUnit("d")) == "batch"
        assert set(await db.read(marks)) == {"a", "d"}


async def test_row_locked_by_another_transaction_delays_its_own_unit_only(url: str) -> None:
    clock, release, locked = FixedClock(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def keep_locked(conn: Connection) -> None:
        conn.rows("SELECT 1 AS one FROM accounts WHERE tenant_id = 1 FOR UPDATE")
        loop.call_soon_threadsafe(locked.set)
        release.wait(10)

    async with open_database(url) as db:
        ledger = SqlLedger(db, Lease(db, clock), clock, RATES)
        owners = [await db.write(lambda conn: tenant(conn, "1")) for _ in range(2)]
        locking = asyncio.ensure_future(db.write(keep_locked))
        await locked.wait()
        delayed, free = (asyncio.ensure_future(ledger.open_hold(hold_request(owner, f"r{owner}"))) for owner in owners)
        assert (await free).grant
        assert not delayed.done()
        release.set()
        assert (await delayed).grant
        await locking
        await db.read(check_books)


async def test_batch_locks_accounts_in_order_of_their_ids(url: str) -> None:
    """Account 3 is locked. A batch that names account 4 first must wait for 3 without having locked 4."""
    release, locked, loop = threading.Event(), asyncio.Event(), asyncio.get_running_loop()

    def keep_locked(conn: Connection) -> None:
        conn.rows("SELECT 1 AS one FROM accounts WHERE tenant_id = 3 FOR UPDATE")
        loop.call_soon_threadsafe(locked.set)
        release.wait(10)

    async with open_database(url) as db:
        owners = [await db.write(lambda conn: tenant(conn, "1")) for _ in range(4)]
        # The update moves account 3 to the end of the table.
        await db.write(lambda conn: conn.run("UPDATE accounts SET owed_nanousd = 0 WHERE tenant_id = 3"))
        units = [HoldUnit(hold_request(owner, f"r{owner}"), "L", FixedClock()) for owner in reversed(owners)]

        def hold_all(conn: Connection) -> None:
            for scan in ("indexscan", "bitmapscan"):  # an index scan would return the rows in order by itself
                conn.run(f"SET LOCAL enable_{scan} = off")
            HoldUnit.run_batch(conn, units)

        locking = asyncio.ensure_future(db.write(keep_locked))
        await locked.wait()
        holding = asyncio.ensure_future(db.write(hold_all))
        while not await db.read(lambda conn: conn.rows(LOCK_WAITS)):
            assert not holding.done()
        await db.write(lambda conn: conn.rows("SELECT 1 AS one FROM accounts WHERE tenant_id = 4 FOR UPDATE NOWAIT"))
        release.set()
        await asyncio.gather(locking, holding)
        await db.read(check_books)


async def test_queued_units_are_finished_before_the_pool_closes(url: str) -> None:
    async with open_database(url) as db:
        queued = [db.submit(insert_mark(f"n{number}")) for number in range(40)]
        queued += [db.submit(MarkUnit("batch")), db.submit(MarkUnit("refused", fails=True))]
    results = await asyncio.gather(*queued, return_exceptions=True)
    assert [result for result in results if isinstance(result, Exception)] == [results[-1]]
    async with open_database(url) as again:
        assert len(await again.read(marks)) == 41


async def test_closed_pool_refuses_units(url: str) -> None:
    async with open_database(url) as db:
        pass
    for unit in (insert_mark("late"), MarkUnit("late")):
        with pytest.raises(DatabaseClosed):
            db.submit(unit)
