"""What an operator says to everybody, sent in chunks under Telegram's limits; a crash goes on where it stood."""

import asyncio
from functools import partial

from scheduler.context import JobContext
from scheduler.job import Job
from storage.telegram import broadcasts
from storage.telegram.broadcasts import Broadcast

CHUNK = 20
PAUSE_SECONDS = 1.0
"""So many a second leave a third of Telegram's 30 to answers."""


async def run(desk: JobContext) -> None:
    while desk.stars is not None and (found := await desk.db.read(broadcasts.sending)) is not None:
        await _send(desk, found)


async def _send(desk: JobContext, said: Broadcast) -> None:
    after = said.after_id
    while chunk := await desk.db.read(partial(broadcasts.next_recipients, after=after, limit=CHUNK)):
        for tenant_id, user_id in chunk:
            sent = await desk.notifier.tell(user_id, "broadcast.text", {"text": said.text})
            await desk.db.write(
                partial(broadcasts.record_delivery, broadcast_id=said.id, tenant_id=tenant_id, arrived=sent is not None)
            )
        after = chunk[-1][0]
        if len(chunk) == CHUNK:
            await asyncio.sleep(PAUSE_SECONDS)
    done = await desk.db.write(lambda conn: broadcasts.finish(conn, said.id))
    if done is not None:
        await desk.notifier.tell(said.made_by, "broadcast.done", {"sent": done.sent, "missed": done.missed})


JOB = Job("broadcasts", "broadcasts", run)
