"""Saves learned token sizes for the next start."""

from functools import partial

from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from storage.operations import learned_sizes


async def run(context: JobContext) -> None:
    await context.db.write(partial(learned_sizes.save, sizes=context.market.catalog.sizes))


JOB = Job("learned_sizes", "remember", run, Misfire.SKIP)
