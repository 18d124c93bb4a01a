"""SqlLedger: captures with further steps, and holds that every exit resolves."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from engine.errors import InsufficientFunds
from engine.money import Money
from engine.tenancy import Charge
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.database.leases import Lease
from storage.ledger import expiry
from storage.ledger.ledger import SqlLedger
from tests.storage.books import (
    DOUBLE,
    RATES,
    FixedClock,
    bill,
    check_books,
    hold_request,
    tenant,
)
from tests.storage.marks import insert_mark, marks


async def test_capture_step_that_raises_undoes_the_capture(db: Database) -> None:
    ledger = _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))

    def also(_conn: Connection, _charge: Charge) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        async with ledger.hold(hold_request(owner)) as hold:
            await hold.capture(bill(hold_request(owner)), also)
    await db.read(check_books)
    assert await db.read(expiry.open_holds) == 0
    assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM attempts")) == 0


async def test_capture_step_is_committed_with_the_charge(db: Database) -> None:
    ledger = _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))
    seen: list[Charge] = []

    def also(conn: Connection, charge: Charge) -> None:
        seen.append(charge)
        conn.run("INSERT INTO watermarks (name, value) VALUES ('w', 'x')")

    async with ledger.hold(hold_request(owner)) as hold:
        charge = await hold.capture(bill(hold_request(owner)), also)
    assert seen[-1] == charge
    assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM watermarks")) == 1
    await db.read(check_books)


async def test_exit_without_a_capture_voids_the_hold(db: Database) -> None:
    ledger = _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))

    async def answer() -> None:
        async with ledger.hold(hold_request(owner)):
            assert await db.read(expiry.open_holds) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await answer()
    assert await db.read(expiry.open_holds) == 0
    await db.read(check_books)


async def test_insufficient_funds_name_the_missing_amount(db: Database) -> None:
    ledger = _ledger(db)
    owner = await db.write(tenant)
    with pytest.raises(InsufficientFunds) as caught:
        async with ledger.hold(hold_request(owner, tariff=DOUBLE)):
            raise AssertionError("the hold was made without funds")
    assert caught.value.shortfall.missing == Money(328_000)


async def test_cancellation_at_any_moment_leaves_no_open_hold(db: Database) -> None:
    """Cancel after 0, 1, 2, ... turns of the event loop, until the answer ends before the cancellation."""
    ledger = _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "100"))

    async def answer(asked: Any) -> None:
        async with ledger.hold(asked) as hold:
            await asyncio.sleep(0)
            await hold.capture(bill(asked))

    for turns in range(60):
        task = asyncio.ensure_future(answer(hold_request(owner, f"c{turns}")))
        await _turns(turns)
        if turns % 3 == 2:  # also during the wait for the database
            await asyncio.sleep(0.0005 * (turns // 3))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await db.read(expiry.open_holds) == 0, turns
    await db.read(check_books)


async def test_repeated_cancellation_does_not_prevent_the_void(db: Database) -> None:
    ledger = _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))
    entered = asyncio.Event()

    async def answer() -> None:
        async with ledger.hold(hold_request(owner)):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(answer())
    await entered.wait()
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert await db.read(expiry.open_holds) == 0


async def test_void_step_is_committed_with_the_void(db: Database) -> None:
    ledger = _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))
    async with ledger.hold(hold_request(owner)) as hold:
        await hold.void(insert_mark("voided"))
        assert await db.read(expiry.open_holds) == 0
    assert set(await db.read(marks)) == {"voided"}
    await db.read(check_books)


class Failing:
    """A database that counts its units, and fails while `fails` is set."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.fails = False
        self.submitted = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def submit(self, unit: Any) -> Any:
        if self.fails:
            raise OSError("the disk is full")
        self.submitted += 1
        return self._db.submit(unit)


async def test_resolved_hold_is_not_voided_on_exit(db: Database) -> None:
    counting = Failing(db)
    ledger = replace(_ledger(db), db=counting)
    asked = hold_request(await db.write(lambda conn: tenant(conn, "1")))
    async with ledger.hold(asked) as hold:
        await hold.capture(bill(asked))
    assert counting.submitted == 2
    async with ledger.hold(structs.replace(asked, request_id="r2")) as hold:
        await hold.void()
    assert counting.submitted == 4


async def test_cancellation_is_passed_on_when_the_hold_has_failed(db: Database) -> None:
    made: list[asyncio.Future[Any]] = []

    class Held:
        """A database whose units end when the test ends them."""

        def submit(self, _unit: Any) -> asyncio.Future[Any]:
            made.append(asyncio.get_running_loop().create_future())
            return made[-1]

    stand_in: Any = Held()
    ledger = replace(_ledger(db), db=stand_in)
    task = asyncio.ensure_future(ledger.open_hold(hold_request(1)))
    await asyncio.sleep(0)
    made[0].set_exception(OSError("the disk is full"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_hold_whose_void_failed_is_voided_by_the_next_hold(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Failing(db)
    ledger = replace(_ledger(db), db=failing)
    owner = await db.write(lambda conn: tenant(conn, "1"))
    async with ledger.hold(hold_request(owner, "a")):
        failing.fails = True
    assert ledger.unvoided == {"a:1"}
    assert caplog.messages == ["hold a:1 could not be voided; the next hold retries it"]
    failing.fails = False
    async with ledger.hold(hold_request(owner, "b")):
        assert await db.read(expiry.open_holds) == 1
    assert ledger.unvoided == set()
    await db.read(check_books)


async def test_answers_of_today_are_those_of_the_tenant_and_the_clocks_day(db: Database) -> None:
    ledger, clock = _ledger(db), FixedClock()
    owner, other = await db.write(lambda conn: (tenant(conn, "1"), tenant(conn, "1")))
    async with ledger.hold(hold_request(owner)) as hold:
        await hold.capture(bill(hold_request(owner)))
    assert [await ledger.answers_today(each) for each in (owner, other)] == [1, 0]
    clock.move(timedelta(days=1))
    assert await replace(ledger, clock=clock).answers_today(owner) == 0


def _ledger(db: Database) -> SqlLedger:
    clock = FixedClock()
    return SqlLedger(db, Lease(db, clock), clock, RATES)


def _run(conn: Connection, sql: str) -> None:
    conn.run(sql)


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
