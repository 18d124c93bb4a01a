"""Telegram's list of Star transactions against the books, daily: what is missing is booked, the rest is told."""

import logging
from datetime import datetime, timedelta
from functools import partial

from scheduler.desk import Desk
from scheduler.job import Job
from scheduler.ports import StarsBook
from storage import incidents, reconcile, tenants
from storage.reconcile import CREDITED, REFUNDED, Finding

log = logging.getLogger(__name__)
SETTLE = timedelta(minutes=15)
"""An update may still be on its way."""
OVERLAP = 100
UNLISTED_AFTER = timedelta(days=1)


async def run(desk: Desk) -> None:
    stars = desk.stars
    if stars is None:
        return
    try:
        findings = await _read(desk, stars)
    except OSError as error:
        log.warning("the list of Star transactions is out of reach; the next run goes on from here: %s", error)
        return
    for finding in findings:
        await _tell(desk, finding)


async def _read(desk: Desk, stars: StarsBook) -> list[Finding]:
    """From where the last run ended, and a little before, to the end. Booking twice books once."""
    now = desk.clock.now()
    offset = max(0, await desk.db.read(lambda conn: reconcile.offset(conn, stars.bot_id)) - OVERLAP)
    findings: list[Finding] = []
    while page := await stars.page(offset):
        settled = [entry for entry in page if entry.at <= now - SETTLE]
        for entry in settled:
            finding = await desk.db.write(
                partial(reconcile.compare, entry=entry, per_star=desk.per_star, known=desk.plans, now=now)
            )
            findings += [finding] if finding is not None else []
        offset += len(settled)
        await _remember(desk, stars, offset)
        if len(settled) < len(page):
            break
    return findings + await _unlisted(desk, now)


async def _remember(desk: Desk, stars: StarsBook, offset: int) -> None:
    await desk.db.write(lambda conn: reconcile.remember_offset(conn, stars.bot_id, offset))


async def _unlisted(desk: Desk, now: datetime) -> list[Finding]:
    return await desk.db.read(lambda conn: reconcile.unlisted(conn, now - UNLISTED_AFTER))


async def _tell(desk: Desk, finding: Finding) -> None:
    """The payer once, the operators once."""
    key = f"stars:{finding.kind}:{finding.charge_id}"
    if not await desk.db.write(lambda conn: incidents.first_time(conn, key, desk.clock.now())):
        return
    values: dict[str, object] = {"charge": finding.charge_id, "stars": finding.stars, "ours": finding.ours}
    await desk.notifier.tell_admins(f"alert.stars_{finding.kind}", values)
    if finding.kind == CREDITED and finding.paid is not None:
        await _tell_payer(desk, finding.paid.tenant_id, "payment.found", {"usd": str(finding.paid.credited)})
    elif finding.kind == REFUNDED and finding.refunded is not None:
        told = finding.refunded
        await _tell_payer(desk, told.tenant_id, "payment.refunded", {"taken": str(told.taken), "owed": str(told.owed)})


async def _tell_payer(desk: Desk, tenant_id: int, key: str, values: dict[str, object]) -> None:
    state = await desk.db.read(lambda conn: tenants.state(conn, tenant_id))
    if state is not None and state.telegram_user_id is not None:
        await desk.notifier.tell(state.telegram_user_id, key, values)


JOB = Job("reconcile", "reconcile", run)
