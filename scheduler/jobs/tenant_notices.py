"""Delivery of the stored notices to tenants, below Telegram's limits, after a restart or a new leader too."""

import asyncio
import logging
from functools import partial

from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from scheduler.team_notices import buttons_of
from storage.alerts import tenant_notices
from storage.alerts.admin_notices import Undelivered
from storage.alerts.tenant_notices import QueuedNotice

log = logging.getLogger(__name__)
CHUNK = 8
"""The messages in flight at once. The bot's rate limiter keeps their pace, below that of answers."""


async def run(context: JobContext) -> None:
    """Send until none is due, Telegram can't be reached, or the process stops."""
    while not context.stopping.is_set():
        chunk = await context.db.write(partial(tenant_notices.claim, now=context.clock.now(), most=CHUNK))
        arrived = await asyncio.gather(*(_send(context, each) for each in chunk))
        if not any(arrived):
            return


async def _send(context: JobContext, queued: QueuedNotice) -> bool:
    """Return False if Telegram can't be reached."""
    notice, is_worded = queued.notice, True
    try:
        sent = await context.notifier.deliver(notice.user_id, notice.key, notice.values, buttons_of(notice))
    except (LookupError, ValueError, TypeError):  # a text of another release: it may be known after an update
        log.exception("a notice to user %d can't be worded: %s", notice.user_id, notice.key)
        sent, is_worded = Undelivered.UNREACHABLE, False
    if sent is not Undelivered.UNREACHABLE:
        await context.db.write(partial(tenant_notices.delete, queued=queued))
        return True
    if not await context.db.write(partial(tenant_notices.put_off, queued=queued, now=context.clock.now())):
        log.warning("a notice to user %d was given up after a day without delivery: %s", notice.user_id, notice.key)
    return not is_worded


JOB = Job("tenant_notices", "alerts", run, Misfire.SKIP)
