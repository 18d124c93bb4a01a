"""Broadcasts of an operator to all users, in chunks below Telegram's limits. A crash resumes at the next user."""

import asyncio
from collections.abc import Sequence
from functools import partial

from locales.formats import as_code
from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from scheduler.team_notices import to_tenant
from storage.alerts import tenant_notices
from storage.alerts.admin_notices import KEPT, Undelivered
from storage.database.connection import Connection
from storage.telegram import broadcasts
from storage.telegram.broadcasts import Broadcast

CHUNK = 20
PAUSE_SECONDS = 1.0
"""20 messages a second leave a third of Telegram's 30 to answers."""
OFFLINE = 3
"""If this many users in a row can't be reached, Telegram itself is unreachable, and a later run continues."""


async def run(context: JobContext) -> None:
    while context.stars is not None and (found := await context.db.read(broadcasts.sending)) is not None:
        if not await _send(context, found):
            return


async def _send(context: JobContext, broadcast: Broadcast) -> bool:
    """Return False if a later run must continue: Telegram can't be reached, or the process stops."""
    after = broadcast.after_id
    while chunk := await context.db.read(partial(broadcasts.next_recipients, after=after, limit=CHUNK)):
        if context.stopping.is_set() or (last := await _send_chunk(context, broadcast, chunk)) is None:
            return False
        after = last
        if len(chunk) == CHUNK:
            await asyncio.sleep(PAUSE_SECONDS)
    await context.db.write(partial(_finish, context=context, broadcast=broadcast))
    return True


async def _send_chunk(context: JobContext, broadcast: Broadcast, chunk: Sequence[tuple[int, int]]) -> int | None:
    """Return the last tenant who was served. None: none was, or OFFLINE in a row could not be reached."""
    last, unreached = None, list[int]()
    gives_up = context.clock.now() - broadcast.made_at >= KEPT
    for tenant_id, user_id in chunk:
        sent = await context.notifier.deliver(user_id, "broadcast.text", {"text": broadcast.text})
        if sent is Undelivered.UNREACHABLE and not gives_up:
            unreached.append(tenant_id)
            if len(unreached) == OFFLINE:
                return None
            continue
        arrived = not isinstance(sent, Undelivered)
        for number, has_it in [*((each, False) for each in unreached), (tenant_id, arrived)]:
            record = partial(broadcasts.record_delivery, broadcast_id=broadcast.id, tenant_id=number)
            await context.db.write(partial(record, arrived=has_it))
        last, unreached = tenant_id, []
    return last


def _finish(conn: Connection, context: JobContext, broadcast: Broadcast) -> None:
    """End the broadcast and store the notice to its author in one transaction."""
    done = broadcasts.finish(conn, broadcast.id)
    if done is not None:
        values = done_values(done, broadcasts.missed_names(conn, done))
        notice = to_tenant(done.made_by, ("broadcast.done", values, ()))
        tenant_notices.queue(conn, [notice], context.clock.now())


def done_values(done: Broadcast, names: Sequence[str]) -> dict[str, object]:
    """Return the values of the message that reports to the operator which users the broadcast reached."""
    more = done.missed - len(names)
    said = ", ".join(map(as_code, names)) + (f" + {more}" if more else "")
    missed = {"key": "broadcast.missed", "values": {"missed": done.missed, "names": said}} if done.missed else ""
    return {"sent": done.sent, "missed": missed}


JOB = Job("broadcasts", "broadcasts", run, Misfire.SKIP)
