"""What nobody needs any more is deleted, in chunks so small that nobody waits for them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from scheduler.context import JobContext
from scheduler.job import Job
from storage.database.connection import Connection
from storage.operations import idempotency
from storage.telegram import conversations, inbox, outbox

CHUNK = 100
AFTER_NEW = timedelta(days=30)
HANDLED = timedelta(days=2)  # Telegram repeats within one, and begins its numbers anew after a week of silence


async def run(desk: JobContext) -> None:
    now = desk.clock.now()
    for sweep in sweeps(now):
        while await desk.db.write(sweep) >= CHUNK:
            pass


def sweeps(now: datetime) -> tuple[Callable[[Connection], int], ...]:
    """Each deletes one chunk, and says how many rows that were."""
    return (
        partial(conversations.sweep, before=now - AFTER_NEW, limit=CHUNK),
        partial(inbox.sweep, before=now - HANDLED, limit=CHUNK),
        partial(outbox.sweep, before=now - HANDLED, limit=CHUNK),
        partial(idempotency.sweep, now=now, limit=CHUNK),
    )


JOB = Job("prune", "nightly", run)
