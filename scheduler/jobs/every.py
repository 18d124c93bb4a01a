"""Starts people's scheduled prompts: each due run becomes an update in the inbox, handled like any other."""

from functools import partial

from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from storage.schedules import scheduled_runs

CHUNK = 40
"""The number of runs that start in one transaction, for which other writes wait."""


async def run(context: JobContext) -> None:
    if context.stars is None:  # without a bot no process would answer
        return
    start = partial(scheduled_runs.start_due, bot_id=context.stars.bot_id, limit=CHUNK)
    while await context.db.write(partial(start, now=context.clock.now())) >= CHUNK:
        pass


JOB = Job("every", "every", run, Misfire.SKIP)
