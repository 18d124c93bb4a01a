"""The journal's sums per day, kept up to date in short units, so that usage and margin are never a scan."""

from scheduler.context import Desk
from scheduler.job import Job
from storage.reports import rollups


async def run(desk: Desk) -> None:
    await rollups.bring_up_to_date(desk.db)


JOB = Job("rollups", "rollups", run)
