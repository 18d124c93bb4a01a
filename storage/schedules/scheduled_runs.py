"""Runs of scheduled prompts: each is an update in the inbox, stored together with the time of the next run.

The update is then handled like any other prompt: once, in the order of its chat, by the process that claims it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database.connection import Connection, for_update, moment, ms, row
from storage.database.statements import BatchWrite
from storage.schedules import scheduled_prompts, zones
from storage.schedules.scheduled_prompts import PausedFor, ScheduledPrompt, next_numbers
from storage.telegram import questions
from storage.tenants import tenants
from storage.tenants.tenants import TenantState

_STORE = BatchWrite(
    """
INSERT INTO inbox (bot_id, update_id, chat_key, lane, payload, state, epoch, received_at)
SELECT :bot, :update, :chat, 'chat', :payload, 'new', 0, :now
 WHERE true ON CONFLICT (bot_id, update_id) DO NOTHING
""",
    "bot", "update", "chat text", "payload text", "now",
)  # fmt: skip
_PLAN_NEXT = BatchWrite(
    "UPDATE scheduled_prompts SET next_at = :next, run_update_id = COALESCE(:update, run_update_id) WHERE id = :id",
    "next", "update", "id",
)  # fmt: skip
FIELD = "scheduled_run"
"""The field that marks an update as a scheduled run; Telegram has no field of this name."""
FIRST_UPDATE_ID = 2**62
"""The first id of our own updates; Telegram's ids are far below."""
MOST_SKIPS = 3


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """One run: its scheduled prompt, and the time at which it was due."""

    schedule_id: int
    due_at: datetime

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "ScheduledRun | None":
        """Return the run that an update's extra fields name; None if the update is not a run."""
        found = fields.get(FIELD)
        return None if found is None else cls(found["id"], moment(found["due_ms"]))


def start_due(conn: Connection, bot_id: int, now: datetime, limit: int) -> int:
    """Start up to `limit` due runs, and return the number of schedules looked at.

    The next time is stored in the same transaction, so that a run starts once. Missed runs count as one.
    """
    sql = (
        "SELECT * FROM scheduled_prompts WHERE bot_id = :bot AND state = 'active' AND next_at <= :now"
        " ORDER BY next_at, id LIMIT :n"
    )
    due = [
        ScheduledPrompt.from_row(found) for found in conn.rows(sql + for_update(conn), bot=bot_id, now=ms(now), n=limit)
    ]
    people = tenants.states(conn, {each.tenant_id for each in due})
    started = []
    for each in due:
        state = people.get(each.tenant_id)
        if state is None or state.banned or not state.is_admitted:
            scheduled_prompts.pause(conn, each.id, PausedFor.BANNED)
        elif state.blocked:
            scheduled_prompts.pause(conn, each.id, PausedFor.BLOCKED)
        else:
            started.append((each, state))
    _start(conn, bot_id, started, now)
    return len(due)


def _start(conn: Connection, bot_id: int, due: Sequence[tuple[ScheduledPrompt, TenantState]], now: datetime) -> None:
    """Store an update for each run whose previous one is handled, and the time of every next run."""
    waiting = _waiting(conn, bot_id, [each.run_update_id for each, _ in due if each.run_update_id])
    starting = [(each, state) for each, state in due if each.run_update_id not in waiting]
    updates: dict[int, int] = {}
    if starting:
        numbers = next_numbers(conn, "scheduled_runs", len(starting))
        updates = {each.id: FIRST_UPDATE_ID + number for (each, _), number in zip(starting, numbers, strict=True)}
        conn.write_batch(_STORE, [_update_row(each, state, updates[each.id], now) for each, state in starting])
    if due:
        nexts = [each.rule.after(each.next_at, zones.zone_of(state.settings), now) for each, state in due]
        rows = [(ms(at), updates.get(each.id), each.id) for (each, _), at in zip(due, nexts, strict=True)]
        conn.write_batch(_PLAN_NEXT, rows)


def _waiting(conn: Connection, bot_id: int, update_ids: Sequence[int]) -> set[int]:
    """Return the updates that are not handled, as when no process with this bot was running."""
    ids = ", ".join(str(int(each)) for each in update_ids) or "NULL"
    sql = f"SELECT update_id FROM inbox WHERE bot_id = :bot AND update_id IN ({ids}) AND state <> 'done'"
    return {found["update_id"] for found in conn.rows(sql, bot=bot_id)}


def _update_row(schedule: ScheduledPrompt, state: TenantState, update_id: int, now: datetime) -> tuple[Any, ...]:
    payload = json.dumps(
        {
            "update_id": update_id,
            FIELD: {"id": schedule.id, "due_ms": ms(schedule.next_at)},
            "message": _message(schedule, state, now),
        },
        ensure_ascii=False,
    )
    return schedule.bot_id, update_id, f"{schedule.chat_id}:{schedule.thread_id}", payload, ms(now)


def _message(schedule: ScheduledPrompt, state: TenantState, now: datetime) -> dict[str, Any]:
    """Return a message from the person, without content, in the shape of Telegram's."""
    person = {"id": state.telegram_user_id, "is_bot": False, "first_name": state.name}
    if state.username:
        person["username"] = state.username
    message = {
        "message_id": 0,
        "date": int(now.timestamp()),
        "from": person,
        "chat": {"id": schedule.chat_id, "type": "private", "first_name": state.name},
    }
    if schedule.thread_id:
        message |= {"message_thread_id": schedule.thread_id, "is_topic_message": True}
    return message


def is_being_answered(conn: Connection, schedule: ScheduledPrompt) -> bool:
    """Return True while a run of this schedule is being answered."""
    sql = "SELECT * FROM questions WHERE tenant_id = :tenant AND schedule_id = :id AND state = 'asking'"
    found = map(questions.record_of, conn.rows(sql, tenant=schedule.tenant_id, id=schedule.id))
    return any(record is not None and questions.is_handled_now(conn, record) for record in found)


def settle_answer(conn: Connection, schedule_id: int, update_id: int) -> None:
    """Count a run that was answered."""
    conn.run(
        "UPDATE scheduled_prompts SET skips = 0, runs = runs + 1, settled_update_id = :update"
        " WHERE id = :id AND (settled_update_id IS NULL OR settled_update_id <> :update)",
        id=schedule_id,
        update=update_id,
    )


def settle_skip(conn: Connection, schedule_id: int, update_id: int, *, counts: bool) -> bool:
    """Count a run that was skipped, once.

    Return True if it was the last of MOST_SKIPS, so that the schedule is paused.
    """
    sql = "SELECT skips, state, settled_update_id FROM scheduled_prompts WHERE id = :id"
    found = row(conn, sql + for_update(conn), id=schedule_id)
    if found is None:
        return False
    if found["settled_update_id"] == update_id:
        return bool(found["state"] == "paused" and found["skips"] >= MOST_SKIPS)
    skips = found["skips"] + int(counts)
    conn.run(
        "UPDATE scheduled_prompts SET skips = :skips, settled_update_id = :update WHERE id = :id",
        id=schedule_id,
        skips=skips,
        update=update_id,
    )
    return counts and skips >= MOST_SKIPS and scheduled_prompts.pause(conn, schedule_id, PausedFor.SKIPS)
