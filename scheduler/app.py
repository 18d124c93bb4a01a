"""APScheduler and nothing else: it knows when, the jobs know what."""

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
    """Runs every job at its interval, each at once at the start. A job that fails is logged and runs again."""

    def __init__(self, desk: JobContext, seconds: Mapping[str, float], jobs: tuple[Job, ...] | None = None) -> None:
        self._desk, self._seconds = desk, seconds
        self._jobs = discover() if jobs is None else jobs
        self._running: set[asyncio.Task[Any]] = set()
        # Late runs are run, missed ones once: a laptop that slept must not skip its renewals.
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
        """Begin no more runs; those that are on go on."""
        if self._scheduler.running:
            self._scheduler.pause()

    async def stop(self, seconds: float) -> None:
        """Give the runs that are on so long to end: one that wrote what it is about to say should say it."""
        self.pause()
        await asyncio.sleep(0)  # what was begun a moment ago is seen to run
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
            except asyncio.CancelledError:  # ends here: APScheduler would log it as an error of the job
                log.warning("job %s was cut short by the end of the process; it runs again at the next start", job.name)
            except Exception:
                log.exception("job %s failed; it runs again in %g s", job.name, self._seconds[job.every])

        return run
