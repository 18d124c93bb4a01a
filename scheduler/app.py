"""APScheduler and nothing else: it knows when, the jobs know what."""

import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from scheduler.desk import Desk
from scheduler.job import Job, discover

log = logging.getLogger(__name__)


class Clockwork:
    """Runs every job at its interval, each at once at the start. A job that fails is logged and runs again."""

    def __init__(self, desk: Desk, seconds: Mapping[str, float], jobs: tuple[Job, ...] | None = None) -> None:
        self._desk, self._seconds = desk, seconds
        self._jobs = discover() if jobs is None else jobs
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

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _guarded(self, job: Job) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            try:
                await job.run(self._desk)
            except Exception:
                log.exception("job %s failed; it runs again in %g s", job.name, self._seconds[job.every])

        return run
