"""The journal's sums per day, kept up to date in short units, so that usage and margin are never a scan."""

from scheduler.context import JobContext
from scheduler.job import Job
from storage.reports import rollups


async def run(desk: JobContext) -> None:
    await rollups.catch_up(desk.db)


JOB = Job("rollups", "rollups", run)
