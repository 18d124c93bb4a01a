"""What is alike is done together; a wait for a commit can't be cancelled."""

import asyncio
import queue
import threading
import uuid
from collections.abc import Sequence
from typing import Any, Self

import psycopg
import pytest

from engine.errors import HoldLost
from storage.database.connection import Connection, scalar
from storage.database.database import Database, open_database
from storage.database.leases import Lease
from storage.database.write_queue import BatchUnit, NotBatchable, QueuedUnit, UncancellableFuture, next_batch
from storage.ledger.ledger import HoldUnit, SqlLedger
from tests.storage.books import RATES, FixedClock, bill, check_books, hold_request, tenant
from tests.storage.conflicts import LOCK_WAITS
from tests.storage.conftest import Server


class Note(BatchUnit):
    """Writes a name down. `bad`: alone it raises; together, all of them."""

    def __init__(self, name: str, *, bad: bool = False) -> None:
        self.name, self.bad = name, bad

    def __call__(self, conn: Connection) -> str:
        conn.run("INSERT INTO watermarks (name, value) VALUES (:name, 'alone')", name=self.name)
        if self.bad:
            raise ValueError(self.name)
        return "alone"

    @classmethod
    def run_batch(cls, conn: Connection, units: Sequence[Self]) -> list[str]:
        for unit in units:
            conn.run("INSERT INTO watermarks (name, value) VALUES (:name, 'together')", name=unit.name)
        if any(unit.bad for unit in units):
            raise NotBatchable
        return ["together"] * len(units)


def notes(conn: Connection) -> dict[str, str]:
    return {found["name"]: found["value"] for found in conn.rows("SELECT name, value FROM watermarks")}


async def at_once(db: Database, *units: BatchUnit) -> list[Any]:
    return await asyncio.gather(*(db.write(unit) for unit in units), return_exceptions=True)


async def test_units_that_are_alike_are_done_together(db: Database) -> None:
    assert await at_once(db, *(Note(f"n{number}") for number in range(9))) == ["together"] * 9
    assert await db.read(notes) == {f"n{number}": "together" for number in range(9)}


async def test_one_that_cannot_be_done_undoes_its_own_work_and_nobody_elses(db: Database) -> None:
    told = await at_once(db, *(Note(f"n{number}", bad=number == 3) for number in range(6)))
    assert isinstance(told[3], ValueError)
    assert set(told[:3] + told[4:]) <= {"together", "alone"}
    assert set(await db.read(notes)) == {"n0", "n1", "n2", "n4", "n5"}


async def test_holds_and_captures_that_come_together_are_done_together(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were one of them done alone, it would raise."""
    monkeypatch.setattr("storage.ledger.holds.hold", _never)
    monkeypatch.setattr("storage.ledger.holds.capture", _never)
    clock = FixedClock()
    book = SqlLedger(db, Lease(db, clock), clock, RATES)
    owners = [await db.write(lambda conn: tenant(conn, "1")) for _ in range(3)]
    asked = [hold_request(owners[number % 3], f"r{number}") for number in range(30)]

    async def call(number: int) -> None:
        async with book.hold(asked[number]) as hold:
            await hold.capture(bill(asked[number]))

    await asyncio.gather(*map(call, range(30)))
    assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM holds WHERE state = 'captured'")) == 30
    await db.read(check_books)


async def test_units_of_two_ledgers_keep_their_own_leases(db: Database) -> None:
    clock = FixedClock()
    books = [SqlLedger(db, Lease(db, clock), clock, RATES) for _ in range(2)]
    owner = await db.write(lambda conn: tenant(conn, "1"))
    await asyncio.gather(*(book.open_hold(hold_request(owner, f"r{number}")) for number, book in enumerate(books)))
    found = await db.read(lambda conn: conn.rows("SELECT lease_id FROM holds ORDER BY request_id"))
    assert [each["lease_id"] for each in found] == [book.lease.id for book in books]


async def test_what_also_raises_undoes_its_own_capture_and_nobody_elses(db: Database) -> None:
    clock = FixedClock()
    book = SqlLedger(db, Lease(db, clock), clock, RATES)
    owner = await db.write(lambda conn: tenant(conn, "1"))

    def also(number: int, conn: Connection) -> None:
        conn.run("INSERT INTO watermarks (name, value) VALUES (:name, 'x')", name=f"n{number}")
        if number == 2:
            raise HoldLost("a later try has taken over")

    async def call(number: int) -> None:
        asked = hold_request(owner, f"r{number}")
        async with book.hold(asked) as hold:
            await hold.capture(bill(asked), lambda conn, _charge: also(number, conn))

    told = await asyncio.gather(*map(call, range(5)), return_exceptions=True)
    assert [type(each) for each in told] == [type(None), type(None), HoldLost, type(None), type(None)]
    assert set(await db.read(notes)) == {"n0", "n1", "n3", "n4"}
    await db.read(check_books)


async def test_a_wait_for_a_commit_ends_with_it_and_then_the_cancellation_goes_on() -> None:
    loop, reached = asyncio.get_running_loop(), []
    commit = UncancellableFuture(loop=loop)

    async def waits() -> None:
        try:
            await commit
        finally:
            reached.append(commit.done())

    task = asyncio.ensure_future(waits())
    await asyncio.sleep(0)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    commit.set_result(None)
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert reached == [True]


async def test_a_batch_is_what_has_come_meanwhile_up_to_its_most() -> None:
    jobs: queue.SimpleQueue[QueuedUnit | None] = queue.SimpleQueue()
    made = [QueuedUnit(Note(str(number))) for number in range(5)]
    for job in (*made, None):
        jobs.put(job)
    assert next_batch(jobs, 3) == (made[:3], False)
    assert next_batch(jobs, 3) == (made[3:], True)
    for job in made:
        job.complete()


@pytest.fixture
def address(postgres_server: Server, postgres_template: str) -> str:
    return postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)


async def test_a_row_that_somebody_keeps_locked_holds_up_its_own_unit_and_nobody_elses(address: str) -> None:
    clock, go, locked = FixedClock(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def keep(conn: Connection) -> None:
        conn.rows("SELECT 1 AS one FROM accounts WHERE tenant_id = 1 FOR UPDATE")
        loop.call_soon_threadsafe(locked.set)
        go.wait(10)

    async with open_database(address) as db:
        book = SqlLedger(db, Lease(db, clock), clock, RATES)
        owners = [await db.write(lambda conn: tenant(conn, "1")) for _ in range(2)]
        keeping = asyncio.ensure_future(db.write(keep))
        await locked.wait()
        stuck, free = (asyncio.ensure_future(book.open_hold(hold_request(owner, f"r{owner}"))) for owner in owners)
        assert (await free).grant
        assert not stuck.done()
        go.set()
        assert (await stuck).grant
        await keeping
        await db.read(check_books)


async def test_who_does_many_at_once_locks_accounts_in_one_order_whatever_order_they_came_in(address: str) -> None:
    """The third is somebody's: who came with the fourth first must wait without having taken it."""
    go, locked, loop = threading.Event(), asyncio.Event(), asyncio.get_running_loop()

    def keep(conn: Connection) -> None:
        conn.rows("SELECT 1 AS one FROM accounts WHERE tenant_id = 3 FOR UPDATE")
        loop.call_soon_threadsafe(locked.set)
        go.wait(10)

    async with open_database(address) as db:
        owners = [await db.write(lambda conn: tenant(conn, "1")) for _ in range(4)]
        await db.write(lambda conn: conn.run("UPDATE accounts SET owed_nanousd = 0 WHERE tenant_id = 3"))  # now last
        units = [HoldUnit(hold_request(owner, f"r{owner}"), "L", FixedClock()) for owner in reversed(owners)]

        def at_once(conn: Connection) -> None:
            for way in ("indexscan", "bitmapscan"):  # else the index would do the ordering
                conn.run(f"SET LOCAL enable_{way} = off")
            HoldUnit.run_batch(conn, units)

        keeping = asyncio.ensure_future(db.write(keep))
        await locked.wait()
        holding = asyncio.ensure_future(db.write(at_once))
        while not await db.read(lambda conn: conn.rows(LOCK_WAITS)):
            assert not holding.done()
        await db.write(lambda conn: conn.rows("SELECT 1 AS one FROM accounts WHERE tenant_id = 4 FOR UPDATE NOWAIT"))
        go.set()
        await asyncio.gather(keeping, holding)
        await db.read(check_books)


async def test_the_lane_replaces_a_connection_lost_at_rest(postgres_server: Server, address: str) -> None:
    async with open_database(address) as db:
        assert await db.write(Note("a")) == "together"
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (address.split("/")[3].split("?", maxsplit=1)[0],),
            )
        assert await db.write(Note("b")) == "together"


async def test_when_nobody_knows_whether_a_commit_stands_everybody_hears_of_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_raw: Any) -> None:
        raise psycopg.OperationalError("the connection was lost")

    async with open_database(address) as db:
        await db.write(Note("a"))
        with monkeypatch.context() as broken:
            broken.setattr("storage.database.pool.commit", lost)
            told = await at_once(db, Note("b"), Note("c"))
        assert [str(each) for each in told] == ["the connection was lost"] * 2
        assert await db.write(Note("d")) == "together"
        assert set(await db.read(notes)) == {"a", "d"}


def _never(*_: object, **__: object) -> None:
    raise AssertionError("done alone")
