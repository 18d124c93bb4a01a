"""The scheduler: APScheduler runs the jobs at their intervals. No other module imports it."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from scheduler.jobs import discover
from scheduler.run_times import first_due, next_due
from storage.database.connection import Connection
from storage.operations import job_runs
from storage.operations.leaders import LeadershipLost

log = logging.getLogger(__name__)
STORED_SECONDS = 30.0
STEP_CHECK_SECONDS = 2.0
LEAST_STEP_SECONDS = 2.0
"""The clock counts as set back from this difference on, compared with the monotonic one."""


class EverySeconds(BaseTrigger):  # type: ignore[misc]
    """Fires at multiples of an interval, and leaves out the missed ones.

    APScheduler's own trigger returns each: after the clock was set forward by a year, these would be millions.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return now if previous is None else next_due(previous, self._seconds, max(now, previous))


class Scheduler:
    """Runs every job when it is due, then at its interval. A job that fails is logged and runs again.

    APScheduler keeps the times in memory; the latest runs are stored in the database that the jobs work on.
    """

    def __init__(self, context: JobContext, seconds: Mapping[str, float], jobs: tuple[Job, ...] | None = None) -> None:
        self._desk, self._seconds = context, seconds
        self._jobs = discover() if jobs is None else jobs
        self._running: set[asyncio.Task[Any]] = set()
        self._due: dict[str, datetime] = {}
        self._stored: dict[str, float] = {}
        self._ahead_seconds = self._clock_ahead()
        self._watch: asyncio.Task[None] | None = None
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})

    async def start(self) -> None:
        """Read the latest runs and start. Runs that are due begin at once."""
        last, now = await self._desk.db.read(job_runs.latest), self._desk.clock.now()
        for job in self._jobs:
            seconds = self._seconds[job.every]
            self._due[job.name] = first_due(job, seconds, last.get(job.name), now)
            wait = max(self._due[job.name], now) - now
            self._scheduler.add_job(
                self._guarded(job),
                EverySeconds(seconds),
                id=job.name,
                next_run_time=datetime.now(UTC) + wait,
                misfire_grace_time=None if job.misfire is Misfire.ONCE else max(1, int(seconds)),
            )
        self._scheduler.start()
        self._watch = asyncio.create_task(self._watch_clock(), name="changes of the clock")

    def pause(self) -> None:
        """Start no more runs. Running ones continue, but those that send many messages end soon."""
        self._desk.stopping.set()
        if self._scheduler.running:
            self._scheduler.pause()

    async def stop(self, seconds: float) -> None:
        """Wait `seconds` for the current runs, then cancel them. A run that stored a notice should still send it."""
        self.pause()
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.sleep(0)  # lets a run that APScheduler has just started register itself
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _watch_clock(self) -> None:
        while True:
            await asyncio.sleep(STEP_CHECK_SECONDS)
            self.follow_clock()

    def follow_clock(self) -> None:
        """Shift the next runs if the clock was set back: APScheduler waits until the clock shows their times.

        If it was set forward, or the machine slept, the runs that were missed are due at once.
        """
        before, self._ahead_seconds = self._ahead_seconds, self._clock_ahead()
        step = self._ahead_seconds - before
        if step > -LEAST_STEP_SECONDS:
            return
        log.warning("the clock was set back by %.0f s; the next runs of all jobs are shifted with it", -step)
        for job in self._scheduler.get_jobs():
            if job.next_run_time is not None:
                job.modify(next_run_time=job.next_run_time + timedelta(seconds=step))

    def _clock_ahead(self) -> float:
        return self._desk.clock.now().timestamp() - self._desk.clock.monotonic()

    def _guarded(self, job: Job) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            try:
                await self._run(job)
            except asyncio.CancelledError:  # not raised, because APScheduler would log an error of the job
                log.warning("job %s was canceled because the process stops; it runs again at the next start", job.name)
            except LeadershipLost as lost:
                log.warning("job %s ended: %s", job.name, lost)
            except Exception:
                log.exception("job %s failed; it runs again in %g s", job.name, self._seconds[job.every])

        return run

    async def _run(self, job: Job) -> None:
        """Run the job unless the run for this time has ended before. Store its begin, its end and any failure."""
        now, due_at = self._desk.clock.now(), self._due[job.name]
        self._due[job.name] = next_due(due_at, self._seconds[job.every], now)
        if job.misfire is Misfire.ONCE and not await self._begin(job, due_at):
            return
        began, error = time.monotonic(), ""
        try:
            await job.run(self._desk)
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            if not _is_cancelled() and (job.misfire is Misfire.ONCE or error or self._is_worth_storing(job, began)):
                await self._finish(job, due_at, began, error)

    async def _begin(self, job: Job, due_at: datetime) -> bool:
        """Store that a run begins. Return False if it took place before."""
        now = self._desk.clock.now()
        return await self._desk.db.write(partial(job_runs.begin, name=job.name, due_at=due_at, now=now))

    def _is_worth_storing(self, job: Job, now: float) -> bool:
        """Return True at most once in STORED_SECONDS, so that a frequent job does not write to the disk each time."""
        if now < self._stored.get(job.name, float("-inf")) + STORED_SECONDS:
            return False
        self._stored[job.name] = now
        return True

    async def _finish(self, job: Job, due_at: datetime, began: float, error: str) -> None:
        took_ms, now = round((time.monotonic() - began) * 1000), self._desk.clock.now()

        def unit(conn: Connection) -> None:
            if job.misfire is Misfire.SKIP:
                job_runs.begin(conn, job.name, due_at, now - timedelta(milliseconds=took_ms))
            job_runs.finish(conn, job.name, took_ms, now, error)

        await self._desk.db.write(unit)


def _is_cancelled() -> bool:
    """Return True if the current task is being cancelled: its run is unfinished and will be repeated."""
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())
