"""Broadcasts of an operator to all users, in chunks below Telegram's limits. A crash resumes at the next user."""

import asyncio
from collections.abc import Sequence
from functools import partial

from locales.formats import as_code
from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from storage.telegram import broadcasts
from storage.telegram.broadcasts import Broadcast

CHUNK = 20
PAUSE_SECONDS = 1.0
"""20 messages a second leave a third of Telegram's 30 to answers."""


async def run(context: JobContext) -> None:
    while context.stars is not None and (found := await context.db.read(broadcasts.sending)) is not None:
        await _send(context, found)


async def _send(context: JobContext, broadcast: Broadcast) -> None:
    after = broadcast.after_id
    while chunk := await context.db.read(partial(broadcasts.next_recipients, after=after, limit=CHUNK)):
        for tenant_id, user_id in chunk:
            sent = await context.notifier.notify(user_id, "broadcast.text", {"text": broadcast.text})
            record = partial(broadcasts.record_delivery, broadcast_id=broadcast.id, tenant_id=tenant_id)
            await context.db.write(partial(record, arrived=sent is not None))
        after = chunk[-1][0]
        if len(chunk) == CHUNK:
            await asyncio.sleep(PAUSE_SECONDS)
    done = await context.db.write(lambda conn: broadcasts.finish(conn, broadcast.id))
    if done is not None:
        names = await context.db.read(partial(broadcasts.missed_names, broadcast=done))
        await context.notifier.notify(broadcast.made_by, "broadcast.done", done_values(done, names))


def done_values(done: Broadcast, names: Sequence[str]) -> dict[str, object]:
    """Return the values of the message that tells the operator whom the broadcast reached."""
    more = done.missed - len(names)
    said = ", ".join(map(as_code, names)) + (f" + {more}" if more else "")
    missed = {"key": "broadcast.missed", "values": {"missed": done.missed, "names": said}} if done.missed else ""
    return {"sent": done.sent, "missed": missed}


JOB = Job("broadcasts", "broadcasts", run, Misfire.SKIP)
