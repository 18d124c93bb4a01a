"""The clock of several processes: one leads, another takes over, and then the first one can't write any more."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from main.clock import SystemClock
from scheduler import leader
from scheduler.context import JobContext
from scheduler.job import Job
from scheduler.leader import Leader
from storage.database import watermarks
from storage.database.connection import ms
from storage.database.leases import Lease
from storage.operations.leaders import LeadershipLost


@dataclass
class Runs:
    """The runs of a job, by the lease of their process; each waits for `go`."""

    by: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, context: JobContext) -> None:
        self.by.append(context.lease_id)
        await self.go.wait()
        try:
            await context.db.write(lambda conn: watermarks.write(conn, "last run by", context.lease_id))
        except LeadershipLost:
            self.lost.append(context.lease_id)
            raise


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()
    monkeypatch.setattr("scheduler.app.discover", lambda: (Job("recorded", "often", made),))
    monkeypatch.setattr(leader, "TURN_SECONDS", 0.01)
    return made


@dataclass
class Process:
    lease: Lease
    clock: Leader

    async def stand_still(self) -> None:
        """Let the lease expire while the process does nothing."""
        assert self.clock._task is not None
        self.clock._task.cancel()
        gone = ms(SystemClock.now() - timedelta(minutes=1))
        await self.clock._context.db.write(
            lambda conn: conn.run("UPDATE leases SET expires_at = :at WHERE id = :id", at=gone, id=self.lease.id)
        )


@pytest.fixture
async def processes(context: JobContext) -> AsyncIterator[list[Process]]:
    """Yield two processes, each with a lease; neither has started its clock."""
    made = []
    for _ in range(2):
        lease = Lease(context.db, SystemClock(), lease_seconds=600)  # not renewed
        await lease.renew()
        own = replace(context, lease_id=lease.id, clock=SystemClock())
        made.append(Process(lease, Leader(own, {"often": 3600}, lease)))
    yield made
    for each in made:
        await each.clock.quiet()
        await each.clock.stop()


async def until(condition: "object") -> None:
    async with asyncio.timeout(60):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_one_process_runs_the_jobs_and_hands_over_when_it_stops(processes: list[Process], runs: Runs) -> None:
    one, two = processes
    runs.go.set()
    await one.clock.start()
    await two.clock.start()
    await until(lambda: runs.by == [one.lease.id])
    assert (one.clock.leads, two.clock.leads) == (True, False)
    await one.clock.quiet()
    await one.clock.stop()
    await until(lambda: two.clock.leads)
    await asyncio.sleep(0.05)
    assert runs.by == [one.lease.id]  # the next run is due in an hour, whoever leads


async def test_leader_that_stood_still_writes_nothing_and_its_run_is_repeated(
    processes: list[Process], runs: Runs, context: JobContext
) -> None:
    one, two = processes
    await one.clock.start()
    await until(lambda: runs.by == [one.lease.id])
    await one.stand_still()
    await two.clock.start()
    await until(lambda: runs.by == [one.lease.id, two.lease.id])
    runs.go.set()
    await until(lambda: runs.lost == [one.lease.id])
    last = await context.db.read(lambda conn: watermarks.read(conn, "last run by"))
    assert last in (None, two.lease.id)
    await one.lease.renew()
    await one.clock._turn()
    assert (one.clock.leads, two.clock.leads) == (False, True)


async def test_database_that_is_away_for_a_moment_changes_nothing(
    processes: list[Process], runs: Runs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runs.go.set()
    one, _ = processes

    async def away() -> None:
        raise OSError("the database is away")

    await one.clock.start()
    monkeypatch.setattr(one.clock, "_turn", away)
    await until(lambda: "could not be read" in caplog.text)
    assert one.clock.leads
