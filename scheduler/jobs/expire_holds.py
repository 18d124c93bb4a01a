"""Expires the holds of dead processes, and passes their unanswered updates to the bot of this process."""

import logging

from scheduler.context import JobContext
from scheduler.job import Job
from storage.database import leases
from storage.database.connection import Connection
from storage.ledger import expiry

log = logging.getLogger(__name__)


async def run(context: JobContext) -> None:
    def unit(conn: Connection) -> list[str]:
        now = context.clock.now()
        ended = expiry.expire_holds(conn, now, leases.dead(conn, now, context.lease_id))
        leases.sweep(conn, now)
        leases.pull_back(conn, now)
        return ended

    ended = await context.db.write(unit)
    if ended:
        log.warning("%d holds of dead processes have expired", len(ended))
    if context.take_up is not None and (taken := await context.take_up()):
        log.info("%d updates of dead processes were taken over", taken)


JOB = Job("expire_holds", "expire_holds", run)
