"""Delivers alerts that could not be sent at once, or that another process stored."""

from scheduler.admin_notices import deliver
from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from scheduler.publishing import publish


async def run(context: JobContext) -> None:
    await deliver(context.db, context.notifier, context.clock)
    await publish(context, context.clock.now())


JOB = Job("alerts", "alerts", run, Misfire.SKIP)
