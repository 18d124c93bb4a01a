"""End the holds of processes that are dead, and hand their unanswered updates to the bot."""

import logging

from scheduler.context import JobContext
from scheduler.job import Job
from storage.database import leases
from storage.database.connection import Connection
from storage.ledger import expiry

log = logging.getLogger(__name__)


async def run(desk: JobContext) -> None:
    def unit(conn: Connection) -> list[str]:
        now = desk.clock.now()
        ended = expiry.expire_holds(conn, now, leases.dead(conn, now, desk.lease_id))
        leases.sweep(conn, now)
        return ended

    ended = await desk.db.write(unit)
    if ended:
        log.warning("%d holds of dead processes were given back", len(ended))
    if desk.take_up is not None and (taken := await desk.take_up()):
        log.info("%d updates of dead processes were taken up", taken)


JOB = Job("expire_holds", "expire_holds", run)
