"""Telegram's list of Star transactions against the books, daily: what is missing is booked, the rest is told."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from scheduler.context import JobContext
from scheduler.job import Job
from scheduler.ports import StarsBook
from storage.billing import findings, reconciliation
from storage.billing.payments import PaymentResult
from storage.billing.reconciliation import Finding, StarEntry
from storage.billing.refunds import RefundResult
from storage.database.connection import Connection
from storage.tenants import tenants

log = logging.getLogger(__name__)
SETTLE = timedelta(minutes=15)
"""An update may still be on its way."""
OVERLAP = 100
UNLISTED_AFTER = timedelta(days=1)
TOLD_SINGLY = 10
"""Of each kind in one run; how many more there are is one message."""


async def run(desk: JobContext) -> None:
    if desk.stars is None:
        return
    try:
        await _read(desk, desk.stars)
    except OSError as error:
        log.warning("the list of Star transactions is out of reach; the next run goes on from here: %s", error)
    await _tell(desk)


async def _read(desk: JobContext, stars: StarsBook) -> None:
    """From where the last run ended, and a little before, to the end. Booking twice books once."""
    now = desk.clock.now()
    offset = max(0, await desk.db.read(lambda conn: reconciliation.offset(conn, stars.bot_id)) - OVERLAP)
    while page := await stars.page(offset):
        settled = [entry for entry in page if entry.at <= now - SETTLE]
        for entry in settled:
            await desk.db.write(partial(_compare, desk=desk, entry=entry, now=now))
        offset += len(settled)
        await _remember(desk, stars, offset)
        if len(settled) < len(page):
            break
    await desk.db.write(partial(_look_for_unlisted, desk=desk, now=now))


async def _remember(desk: JobContext, stars: StarsBook, offset: int) -> None:
    await desk.db.write(lambda conn: reconciliation.remember_offset(conn, stars.bot_id, offset))


def _compare(conn: Connection, desk: JobContext, entry: StarEntry, now: datetime) -> None:
    found = reconciliation.compare(conn, entry, per_star=desk.per_star, known=desk.plans, now=now)
    if found is not None:
        findings.record(conn, found, desk.lease_id, now)


def _look_for_unlisted(conn: Connection, desk: JobContext, now: datetime) -> None:
    for found in reconciliation.unlisted(conn, now - UNLISTED_AFTER):
        findings.record(conn, found, desk.lease_id, now)


async def _tell(desk: JobContext) -> None:
    """The payer once, the operators once; also what a run found that was cut short."""
    waiting = await desk.db.write(lambda conn: findings.pending(conn, desk.lease_id, desk.clock.now()))
    for kind, group in groupby(waiting, key=lambda each: each.kind):
        await _tell_kind(desk, kind, list(group))


async def _tell_kind(desk: JobContext, kind: str, found: Sequence[Finding]) -> None:
    for number, each in enumerate(found):
        await _tell_payer(desk, each)
        if number < TOLD_SINGLY:
            values = {"charge": each.charge_id, "stars": each.stars, "ours": each.ours}
            await desk.notifier.tell_admins(f"alert.stars_{kind}", values)
        else:
            log.warning("reconciliation: %s, %d Stars, charge %s", kind, each.stars, each.charge_id)
        await desk.db.write(partial(findings.mark_delivered, finding=each))
    if more := found[TOLD_SINGLY:]:
        stars = sum(each.stars or each.ours for each in more)
        await desk.notifier.tell_admins("alert.stars_more", {"count": len(more), "stars": stars})


async def _tell_payer(desk: JobContext, found: Finding) -> None:
    told = found.paid or found.refunded
    state = None if told is None else await desk.db.read(lambda conn: tenants.state(conn, told.tenant_id))
    if state is None or state.telegram_user_id is None:
        return
    key, values = _of_payment(found.paid, state.renews_at) if found.paid else _of_refund(found.refunded)
    await desk.notifier.tell(state.telegram_user_id, key, values)


def _of_payment(paid: PaymentResult, renews_at: datetime) -> tuple[str, dict[str, object]]:
    if paid.plan:
        return "payment.found_plan", {"plan": paid.plan, "until": f"{renews_at:%Y-%m-%d}"}
    if paid.kept:
        why = {"key": f"payment.kept_{paid.kept}", "values": {}}
        return "payment.found_kept", {"usd": str(paid.credited), "why": why}
    return "payment.found", {"usd": str(paid.credited)}


def _of_refund(refunded: RefundResult | None) -> tuple[str, dict[str, object]]:
    assert refunded is not None
    values: dict[str, object] = {"taken": str(refunded.taken), "owed": str(refunded.owed)}
    if refunded.ended:
        return "payment.refunded_plan", {**values, "plan": refunded.ended}
    return "payment.refunded", values


JOB = Job("reconcile", "reconcile", run)
