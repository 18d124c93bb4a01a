"""Daily sums of the journal, kept current in short units, so that usage and margin need no scan."""

from scheduler.context import JobContext
from scheduler.job import Job
from storage.reports import rollups


async def run(context: JobContext) -> None:
    await rollups.catch_up(context.db)


JOB = Job("rollups", "rollups", run)
