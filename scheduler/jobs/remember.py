"""What was learned of sizes, written down for the next start."""

from functools import partial

from scheduler.context import JobContext
from scheduler.job import Job
from storage.operations import learned_sizes


async def run(desk: JobContext) -> None:
    await desk.db.write(partial(learned_sizes.save, sizes=desk.market.catalog.sizes))


JOB = Job("remember", "remember", run)
