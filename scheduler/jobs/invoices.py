"""Invoices of past months, issued on the 1st for every tenant, numbered without gaps."""

import logging

from scheduler.admin_notices import tell_admins_once
from scheduler.context import JobContext
from scheduler.job import Job
from storage.invoices import invoices
from storage.invoices.drafts import LedgerMismatch
from storage.tenants import tenants

log = logging.getLogger(__name__)
PAGE = 200


async def run(context: JobContext) -> None:
    now = context.clock.now()
    if await context.db.read(lambda conn: invoices.all_issued(conn, now)):
        return
    issued, mismatches, after = 0, 0, 0
    while page := await context.db.read(lambda conn, after=after: tenants.page(conn, after, PAGE)):  # type: ignore[misc]
        for state in page:
            try:
                issued += await invoices.issue_due(context.db, state.id, context.seller, now)
            except LedgerMismatch as error:
                mismatches += 1
                await _report(context, error)
        after = page[-1].id
    if issued:
        log.info("%d invoices were issued", issued)
    if not mismatches:
        await context.db.write(lambda conn: invoices.note_all_issued(conn, now))


async def _report(context: JobContext, error: LedgerMismatch) -> None:
    """Report once per month and tenant. The invoice is tried again until ledger and journal agree."""
    log.error("no invoice: %s", error)
    await tell_admins_once(context, f"invoice:{error}", "alert.invoice_off", {"what": str(error)})


JOB = Job("invoices", "invoices", run)
