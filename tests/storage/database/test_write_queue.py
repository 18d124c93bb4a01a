"""Units on their way to a database thread and back: batches, completion, waits that can't be cancelled."""

import asyncio
import queue
import threading
from typing import Any

import pytest

from engine.errors import HoldLost
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.database.leases import Lease
from storage.database.write_queue import (
    BatchUnit,
    CompletionQueue,
    NotBatchable,
    QueuedUnit,
    UncancellableFuture,
    Unit,
    group_by_class,
    next_batch,
    run_batch,
)
from storage.ledger.ledger import SqlLedger
from tests.storage.books import RATES, FixedClock, bill, check_books, hold_request, tenant
from tests.storage.marks import MarkUnit, insert_mark, marks


class OtherUnit(MarkUnit):
    """A second class of batch units."""


async def write_all(db: Database, *units: BatchUnit) -> list[Any]:
    return await asyncio.gather(*(db.write(unit) for unit in units), return_exceptions=True)


async def test_units_of_one_class_run_as_a_batch(db: Database) -> None:
    assert await write_all(db, *(MarkUnit(f"n{number}") for number in range(9))) == ["batch"] * 9
    assert await db.read(marks) == {f"n{number}": "batch" for number in range(9)}


async def test_failed_unit_of_a_batch_is_undone_alone(db: Database) -> None:
    results = await write_all(db, *(MarkUnit(f"n{number}", fails=number == 3) for number in range(6)))
    assert isinstance(results[3], ValueError)
    assert set(results[:3] + results[4:]) <= {"batch", "alone"}
    assert set(await db.read(marks)) == {"n0", "n1", "n2", "n4", "n5"}


async def test_simultaneous_holds_and_captures_run_as_batches(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.ledger.holds.hold", _fail)
    monkeypatch.setattr("storage.ledger.holds.capture", _fail)
    clock = FixedClock()
    ledger = SqlLedger(db, Lease(db, clock), clock, RATES)
    owners = [await db.write(lambda conn: tenant(conn, "1")) for _ in range(3)]
    asked = [hold_request(owners[number % 3], f"r{number}") for number in range(30)]

    async def call(number: int) -> None:
        async with ledger.hold(asked[number]) as hold:
            await hold.capture(bill(asked[number]))

    await asyncio.gather(*map(call, range(30)))
    assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM holds WHERE state = 'captured'")) == 30
    await db.read(check_books)


async def test_holds_of_two_ledgers_belong_to_their_own_leases(db: Database) -> None:
    clock = FixedClock()
    ledgers = [SqlLedger(db, Lease(db, clock), clock, RATES) for _ in range(2)]
    owner = await db.write(lambda conn: tenant(conn, "1"))
    await asyncio.gather(*(each.open_hold(hold_request(owner, f"r{number}")) for number, each in enumerate(ledgers)))
    found = await db.read(lambda conn: conn.rows("SELECT lease_id FROM holds ORDER BY request_id"))
    assert [each["lease_id"] for each in found] == [each.lease.id for each in ledgers]


async def test_capture_step_that_raises_undoes_its_own_capture_only(db: Database) -> None:
    clock = FixedClock()
    ledger = SqlLedger(db, Lease(db, clock), clock, RATES)
    owner = await db.write(lambda conn: tenant(conn, "1"))

    def also(number: int, conn: Connection) -> None:
        insert_mark(f"n{number}")(conn)
        if number == 2:
            raise HoldLost("a later epoch")

    async def call(number: int) -> None:
        asked = hold_request(owner, f"r{number}")
        async with ledger.hold(asked) as hold:
            await hold.capture(bill(asked), lambda conn, _charge: also(number, conn))

    results = await asyncio.gather(*map(call, range(5)), return_exceptions=True)
    assert [type(each) for each in results] == [type(None), type(None), HoldLost, type(None), type(None)]
    assert set(await db.read(marks)) == {"n0", "n1", "n3", "n4"}
    await db.read(check_books)


async def test_cancellation_of_a_commit_takes_effect_when_it_ends() -> None:
    loop, reached = asyncio.get_running_loop(), []
    commit = UncancellableFuture(loop=loop)

    async def wait_for_commit() -> None:
        try:
            await commit
        finally:
            reached.append(commit.done())

    task = asyncio.ensure_future(wait_for_commit())
    await asyncio.sleep(0)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    commit.set_result(None)
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert reached == [True]


async def test_batch_takes_the_queued_jobs_up_to_its_maximum() -> None:
    jobs: queue.SimpleQueue[QueuedUnit | None] = queue.SimpleQueue()
    made = [QueuedUnit(MarkUnit(str(number))) for number in range(5)]
    for job in (*made, None):
        jobs.put(job)
    assert next_batch(jobs, 3) == (made[:3], False)
    assert next_batch(jobs, 3) == (made[3:], True)
    jobs.put(made[0])
    assert next_batch(jobs, 3) == (made[:1], False)
    for job in made:
        job.complete()


async def test_jobs_are_grouped_by_the_class_of_their_unit() -> None:
    units: list[Unit] = [MarkUnit("a"), insert_mark("plain"), OtherUnit("b"), MarkUnit("c")]
    jobs = [QueuedUnit(unit) for unit in units]
    assert group_by_class(jobs) == {MarkUnit: [jobs[0], jobs[3]], OtherUnit: [jobs[2]]}
    for job in jobs:
        job.complete()


async def test_batch_that_raises_is_not_batchable_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class BrokenUnit(MarkUnit):
        @classmethod
        def run_batch(cls, *_: object) -> list[str]:
            raise OSError("the disk is full")

    jobs = [QueuedUnit(BrokenUnit("a"))]
    with caplog.at_level("INFO"), pytest.raises(NotBatchable):
        run_batch(None, BrokenUnit, jobs)  # type: ignore[arg-type]
    assert "1 BrokenUnit" in caplog.text
    assert "the disk is full" in caplog.text
    jobs[0].complete()


async def test_wait_for_a_read_can_be_cancelled_and_its_result_is_dropped() -> None:
    job = QueuedUnit(insert_mark("a"), write=False)
    assert job.future.cancel()
    job.result = "late"
    job.complete()
    assert job.future.cancelled()


async def test_jobs_that_finish_before_the_loop_runs_need_one_wakeup() -> None:
    completions, loop = CompletionQueue(), asyncio.get_running_loop()
    wakeups: list[object] = []
    call_soon = loop.call_soon_threadsafe
    jobs = [QueuedUnit(insert_mark(str(number))) for number in range(3)]
    jobs[0].result, jobs[2].error = "done", ValueError("no")

    def count_wakeups(*args: Any) -> asyncio.Handle:
        wakeups.append(args)
        return call_soon(*args)

    try:
        loop.call_soon_threadsafe = count_wakeups  # type: ignore[method-assign, assignment]
        completions.put(jobs[:2])
        completions.put(jobs[2:])
    finally:
        loop.call_soon_threadsafe = call_soon  # type: ignore[method-assign]
    results = await asyncio.gather(*(job.future for job in jobs), return_exceptions=True)
    assert len(wakeups) == 1
    assert results[:2] == ["done", None]
    assert isinstance(results[2], ValueError)
    later = QueuedUnit(insert_mark("later"))
    completions.put([later])
    assert await later.future is None


async def test_closed_event_loop_does_not_stop_the_database_thread() -> None:
    made: list[QueuedUnit] = []

    def in_another_thread() -> None:
        async def make() -> None:
            made.append(QueuedUnit(insert_mark("a")))

        asyncio.run(make())

    thread = threading.Thread(target=in_another_thread)
    thread.start()
    thread.join()
    own = QueuedUnit(insert_mark("b"))
    CompletionQueue().put([*made, own])
    assert await own.future is None


def _fail(*_: object, **__: object) -> None:
    raise AssertionError("the unit ran alone")
