"""The daily comparison of Telegram's Star transactions with the ledger: missing ones are booked, others reported."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from scheduler.admin_notices import tell_admins
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
"""Transactions younger than this are left out, because their update may still arrive."""
OVERLAP = 100
UNLISTED_AFTER = timedelta(days=1)
MOST_SINGLE_MESSAGES = 10
"""The most messages for each kind of difference in one run; one further message counts the rest."""


async def run(context: JobContext) -> None:
    if context.stars is None:
        return
    try:
        await _read(context, context.stars)
    except OSError as error:
        log.warning("Telegram's Star transactions could not be read; the next run continues there: %s", error)
    await _notify(context)


async def _read(context: JobContext, stars: StarsBook) -> None:
    """Compare from a little before the end of the last run. A transaction that is compared twice is booked once."""
    now = context.clock.now()
    offset = max(0, await context.db.read(lambda conn: reconciliation.offset(conn, stars.bot_id)) - OVERLAP)
    while page := await stars.page(offset):
        settled = [entry for entry in page if entry.at <= now - SETTLE]
        for entry in settled:
            await context.db.write(partial(_compare, context=context, entry=entry, now=now))
        offset += len(settled)
        await _remember(context, stars, offset)
        if len(settled) < len(page):
            break
    await context.db.write(partial(_look_for_unlisted, context=context, now=now))


async def _remember(context: JobContext, stars: StarsBook, offset: int) -> None:
    await context.db.write(lambda conn: reconciliation.remember_offset(conn, stars.bot_id, offset))


def _compare(conn: Connection, context: JobContext, entry: StarEntry, now: datetime) -> None:
    found = reconciliation.compare(conn, entry, per_star=context.per_star, known=context.plans, now=now)
    if found is not None:
        findings.record(conn, found, context.lease_id, now)


def _look_for_unlisted(conn: Connection, context: JobContext, now: datetime) -> None:
    for found in reconciliation.unlisted(conn, now - UNLISTED_AFTER):
        findings.record(conn, found, context.lease_id, now)


async def _notify(context: JobContext) -> None:
    """Notify payer and operators once, including findings of a run that did not end."""
    waiting = await context.db.write(lambda conn: findings.pending(conn, context.lease_id, context.clock.now()))
    for kind, group in groupby(waiting, key=lambda each: each.kind):
        await _notify_kind(context, kind, list(group))


async def _notify_kind(context: JobContext, kind: str, found: Sequence[Finding]) -> None:
    for number, each in enumerate(found):
        await _notify_payer(context, each)
        if number < MOST_SINGLE_MESSAGES:
            values = {"charge": each.charge_id, "stars": each.stars, "ours": each.ours}
            await tell_admins(context, f"alert.stars_{kind}", values)
        else:
            log.warning("reconciliation: %s, %d Stars, charge %s", kind, each.stars, each.charge_id)
        await context.db.write(partial(findings.mark_delivered, finding=each))
    if more := found[MOST_SINGLE_MESSAGES:]:
        stars = sum(each.stars or each.ours for each in more)
        await tell_admins(context, "alert.stars_more", {"count": len(more), "stars": stars})


async def _notify_payer(context: JobContext, found: Finding) -> None:
    booked = found.paid or found.refunded
    state = None if booked is None else await context.db.read(lambda conn: tenants.state(conn, booked.tenant_id))
    if state is None or state.telegram_user_id is None:
        return
    key, values = _of_payment(found.paid, state.renews_at) if found.paid else _of_refund(found.refunded)
    await context.notifier.notify(state.telegram_user_id, key, values)


def _of_payment(paid: PaymentResult, renews_at: datetime) -> tuple[str, dict[str, object]]:
    if paid.plan:
        return "payment.found_plan", {"plan": paid.plan, "until": renews_at}
    if paid.kept:
        why = {"key": f"payment.kept_{paid.kept}", "values": {}}
        return "payment.found_kept", {"usd": paid.credited, "why": why}
    return "payment.found", {"usd": paid.credited}


def _of_refund(refunded: RefundResult | None) -> tuple[str, dict[str, object]]:
    assert refunded is not None
    owes = {"key": "payment.owes", "values": {"owed": refunded.owed}} if refunded.owed else ""
    values: dict[str, object] = {"taken": refunded.taken, "owes": owes}
    if refunded.ended:
        return "payment.refunded_plan", {**values, "plan": refunded.ended}
    return "payment.refunded", values


JOB = Job("reconcile", "reconcile", run)
