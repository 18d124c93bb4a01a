"""Notices to the admins: stored, then sent. A notice that can't be delivered is tried again, even after a restart."""

import logging
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial

from engine.ports import Clock
from scheduler.context import JobContext
from scheduler.ports import Notifier
from storage.alerts import admin_notices
from storage.alerts.admin_notices import AdminNotice, Undelivered
from storage.database.database import Database
from storage.reports import usage
from storage.reports.usage import UsageSpan

log = logging.getLogger(__name__)
DIGEST = "digest.day"
CHART_DAYS = 14


async def tell_admins(context: JobContext, key: str, values: Mapping[str, object]) -> None:
    """Send a text of the locales to every admin."""
    now = context.clock.now()
    await context.db.write(partial(admin_notices.queue, key=key, values=values, now=now))
    await deliver(context.db, context.notifier, context.clock)


async def tell_admins_once(context: JobContext, once: str, key: str, values: Mapping[str, object]) -> None:
    """Send a text of the locales to every admin, once per name `once` among all processes."""
    now = context.clock.now()
    if await context.db.write(partial(admin_notices.queue_once, once=once, key=key, values=values, now=now)):
        await deliver(context.db, context.notifier, context.clock)


async def tell_admin_once(context: JobContext, admin: int, once: str, key: str, values: Mapping[str, object]) -> None:
    """Send a text of the locales to one admin, once per name `once` among all processes."""
    now, others = context.clock.now(), set(context.notifier.admins) - {admin}
    store = partial(admin_notices.queue_once, once=once, key=key, values=values, now=now, told=others)
    if await context.db.write(store):
        await deliver(context.db, context.notifier, context.clock)


async def deliver(db: Database, notifier: Notifier, clock: Clock) -> None:
    """Send the notices that are due."""
    for notice in await db.write(partial(admin_notices.claim, now=clock.now())):
        told = set(notice.told)
        for admin in notifier.admins:
            if admin not in told and await _has_arrived(db, notifier, admin, notice):
                told.add(admin)
        settle = partial(
            admin_notices.settle, notice=notice, told=frozenset(told), admins=notifier.admins, now=clock.now()
        )
        if await db.write(settle) and not told >= set(notifier.admins):
            log.warning("a notice was given up after a day without delivery: %s %s", notice.key, notice.values)


async def _has_arrived(db: Database, notifier: Notifier, admin: int, notice: AdminNotice) -> bool:
    """Return False if the notice must be tried again."""
    chart = await _chart(db, notice)
    return await notifier.deliver(admin, notice.key, notice.values, chart=chart) is not Undelivered.UNREACHABLE


async def _chart(db: Database, notice: AdminNotice) -> UsageSpan | None:
    """Return the span of the chart for the digest of a day: the CHART_DAYS up to that day."""
    if notice.key != DIGEST:
        return None
    end: date = notice.values["day"]
    start = end - timedelta(days=CHART_DAYS - 1)
    return UsageSpan(start, end, await db.read(lambda conn: usage.rows(conn, start, end)))
