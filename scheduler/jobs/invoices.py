"""Invoices on the 1st: every month that is over, of every tenant, under numbers without gaps."""

import logging

from scheduler.context import JobContext
from scheduler.job import Job
from storage.invoices import invoices
from storage.invoices.drafts import LedgerMismatch
from storage.tenants import notices, tenants

log = logging.getLogger(__name__)
PAGE = 200


async def run(desk: JobContext) -> None:
    now = desk.clock.now()
    if await desk.db.read(lambda conn: invoices.all_issued(conn, now)):
        return
    issued, off, after = 0, 0, 0
    while page := await desk.db.read(lambda conn, after=after: tenants.page(conn, after, PAGE)):  # type: ignore[misc]
        for state in page:
            try:
                issued += await invoices.issue_due(desk.db, state.id, desk.seller, now)
            except LedgerMismatch as error:
                off += 1
                await _tell(desk, error)
        after = page[-1].id
    if issued:
        log.info("%d invoices were issued", issued)
    if not off:
        await desk.db.write(lambda conn: invoices.note_all_issued(conn, now))


async def _tell(desk: JobContext, error: LedgerMismatch) -> None:
    """Once a month and tenant; the invoice is tried again until the books agree."""
    log.error("no invoice: %s", error)
    now = desk.clock.now()
    if await desk.db.write(lambda conn: notices.first_time(conn, f"invoice:{error}", now)):
        await desk.notifier.tell_admins("alert.invoice_off", {"what": str(error)})


JOB = Job("invoices", "invoices", run)
