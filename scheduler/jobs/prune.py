"""Deletion of rows that are no longer needed, in chunks so that other writes wait only briefly."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from scheduler.context import JobContext
from scheduler.job import Job
from storage.database.connection import Connection
from storage.ledger import request_windows
from storage.operations import idempotency, retention
from storage.schedules import scheduled_prompts
from storage.teams import invitations
from storage.telegram import conversation_list, inbox, outbox, question_upkeep
from storage.tenants import notices, stored_responses

CHUNK = 100
HANDLED = timedelta(days=2)  # Telegram repeats updates within a day, and restarts their numbers after a week of silence
TOLD = timedelta(days=90)
"""Three times the longest period in which a fact is told once."""


async def run(context: JobContext) -> None:
    now = context.clock.now()
    for sweep in sweeps(now, timedelta(days=context.keep_days)):
        while await context.db.write(sweep) >= CHUNK:
            pass


def sweeps(now: datetime, kept: timedelta) -> tuple[Callable[[Connection], int], ...]:
    """Return functions that delete one chunk of rows each and return the number of deleted rows.

    `kept`: how long conversations are kept after their end, and stored responses after their creation.
    """
    return (
        partial(conversation_list.sweep, before=now - kept, limit=CHUNK),
        partial(question_upkeep.sweep, before=now - kept, limit=CHUNK),
        partial(question_upkeep.forget_updates, before=now - HANDLED, limit=CHUNK),
        partial(stored_responses.sweep, before=now - kept, limit=CHUNK),
        partial(retention.sweep, now=now, limit=CHUNK),
        partial(scheduled_prompts.sweep_drafts, before=now - HANDLED, limit=CHUNK),
        partial(invitations.sweep, before=now, limit=CHUNK),
        partial(inbox.sweep, before=now - HANDLED, limit=CHUNK),
        partial(outbox.sweep, before=now - HANDLED, limit=CHUNK),
        partial(idempotency.sweep, now=now, limit=CHUNK),
        partial(request_windows.sweep, limit=CHUNK),
        partial(notices.sweep, before=now - TOLD, limit=CHUNK),
    )


JOB = Job("prune", "nightly", run)
