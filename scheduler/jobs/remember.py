"""What was learned of sizes, written down for the next start."""

from functools import partial

from scheduler.desk import Desk
from scheduler.job import Job
from storage import learned


async def run(desk: Desk) -> None:
    await desk.db.write(partial(learned.save, sizes=desk.market.catalog.sizes))


JOB = Job("remember", "remember", run)
