"""The scheduler: APScheduler runs the jobs at their intervals. No other module imports it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from scheduler.context import JobContext
from scheduler.job import Job
from scheduler.jobs import discover

log = logging.getLogger(__name__)


class Scheduler:
    """Runs every job at the start, then at its interval. A job that fails is logged and runs again."""

    def __init__(self, context: JobContext, seconds: Mapping[str, float], jobs: tuple[Job, ...] | None = None) -> None:
        self._desk, self._seconds = context, seconds
        self._jobs = discover() if jobs is None else jobs
        self._running: set[asyncio.Task[Any]] = set()
        # Late runs take place, missed ones once: after a suspend of the machine, renewals must not be skipped.
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self) -> None:
        for job in self._jobs:
            self._scheduler.add_job(
                self._guarded(job),
                "interval",
                seconds=self._seconds[job.every],
                id=job.name,
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.start()

    def pause(self) -> None:
        """Start no more runs; those in progress go on."""
        if self._scheduler.running:
            self._scheduler.pause()

    async def stop(self, seconds: float) -> None:
        """Wait `seconds` for the runs in progress, then cancel them: a run that stored a notice should send it."""
        self.pause()
        await asyncio.sleep(0)  # a run that APScheduler has just started registers itself
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _guarded(self, job: Job) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            try:
                await job.run(self._desk)
            except asyncio.CancelledError:  # not raised on: APScheduler would log an error of the job
                log.warning("job %s was canceled because the process stops; it runs again at the next start", job.name)
            except Exception:
                log.exception("job %s failed; it runs again in %g s", job.name, self._seconds[job.every])

        return run
