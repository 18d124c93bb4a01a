"""Scheduled prompts: drafted, saved, paused, resumed and removed, each for its own tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from storage.database.connection import Connection, Row, moment, ms, row, scalar
from storage.schedules import zones
from storage.schedules.recurrence import Recurrence
from storage.tenants import tenant_settings


class ScheduleState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"


class PausedFor(StrEnum):
    """The reason for a pause. CHOICE: the person paused it."""

    CHOICE = ""
    SKIPS = "skips"
    BLOCKED = "blocked"
    BANNED = "banned"


@dataclass(frozen=True, slots=True)
class ScheduledPrompt:
    """A prompt that is asked repeatedly. `next_at`: the next run of an active one, in UTC."""

    id: int
    tenant_id: int
    bot_id: int
    chat_id: int
    thread_id: int
    rule: Recurrence
    prompt: str
    state: ScheduleState
    paused_for: PausedFor
    next_at: datetime
    skips: int
    runs: int
    run_update_id: int | None
    created_at: datetime

    @classmethod
    def from_row(cls, found: Row) -> "ScheduledPrompt":
        return cls(
            found["id"],
            found["tenant_id"],
            found["bot_id"],
            found["chat_id"],
            found["thread_id"],
            Recurrence.from_text(found["rule"]),
            found["prompt"],
            ScheduleState(found["state"]),
            PausedFor(found["paused_for"]),
            moment(found["next_at"]),
            found["skips"],
            found["runs"],
            found["run_update_id"],
            moment(found["created_at"]),
        )


@dataclass(frozen=True, slots=True)
class SchedulePlace:
    """The bot, the private chat and the thread that the answers go to."""

    bot_id: int
    chat_id: int
    thread_id: int = 0


def draft(
    conn: Connection,
    tenant_id: int,
    place: SchedulePlace,
    rule: Recurrence,
    prompt: str,
    next_at: datetime,
    now: datetime,
) -> ScheduledPrompt:
    """Store a scheduled prompt that waits for the person's confirmation."""
    found = row(
        conn,
        "INSERT INTO scheduled_prompts (id, tenant_id, bot_id, chat_id, thread_id, rule, prompt, state, paused_for,"
        " next_at, created_at) VALUES (:id, :tenant, :bot, :chat, :thread, :rule, :prompt, 'draft', '', :next, :now)"
        " RETURNING *",
        id=next_number(conn, "scheduled_prompts"),
        tenant=tenant_id,
        bot=place.bot_id,
        chat=place.chat_id,
        thread=place.thread_id,
        rule=rule.to_text(),
        prompt=prompt,
        next=ms(next_at),
        now=ms(now),
    )
    assert found is not None
    return ScheduledPrompt.from_row(found)


def next_number(conn: Connection, name: str) -> int:
    """Return the next number of a sequence that never repeats, even after its rows are deleted."""
    return next_numbers(conn, name, 1)[0]


def next_numbers(conn: Connection, name: str, count: int) -> range:
    """Return the next `count` numbers of a sequence."""
    sql = (
        "INSERT INTO watermarks (name, value) VALUES (:name, :first) ON CONFLICT (name) DO UPDATE"
        " SET value = CAST(CAST(watermarks.value AS BIGINT) + :count AS TEXT) RETURNING value"
    )
    last = int(scalar(conn, sql, name=f"sequence:{name}", first=str(count), count=count))
    return range(last - count + 1, last + 1)


def find(conn: Connection, tenant_id: int, schedule_id: int) -> ScheduledPrompt | None:
    """Return a scheduled prompt of this tenant."""
    sql = "SELECT * FROM scheduled_prompts WHERE id = :id AND tenant_id = :tenant"
    found = row(conn, sql, id=schedule_id, tenant=tenant_id)
    return None if found is None else ScheduledPrompt.from_row(found)


def of_tenant(conn: Connection, tenant_id: int) -> list[ScheduledPrompt]:
    """Return the tenant's saved scheduled prompts, oldest first."""
    sql = "SELECT * FROM scheduled_prompts WHERE tenant_id = :tenant AND state <> 'draft' ORDER BY id"
    return [ScheduledPrompt.from_row(found) for found in conn.rows(sql, tenant=tenant_id)]


def latest_draft(conn: Connection, tenant_id: int, since: datetime) -> ScheduledPrompt | None:
    """Return the tenant's latest draft, if it was made after `since`."""
    sql = (
        "SELECT * FROM scheduled_prompts WHERE tenant_id = :tenant AND state = 'draft' AND created_at >= :since"
        " ORDER BY id DESC LIMIT 1"
    )
    found = row(conn, sql, tenant=tenant_id, since=ms(since))
    return None if found is None else ScheduledPrompt.from_row(found)


def activate(conn: Connection, schedule: ScheduledPrompt, next_at: datetime) -> bool:
    """Save a draft, or resume a paused one. Return False if it is gone, or active already."""
    return bool(
        conn.run(
            "UPDATE scheduled_prompts SET state = 'active', paused_for = '', skips = 0, next_at = :next"
            " WHERE id = :id AND state <> 'active'",
            id=schedule.id,
            next=ms(next_at),
        )
    )


def pause(conn: Connection, schedule_id: int, reason: PausedFor = PausedFor.CHOICE) -> bool:
    """Pause an active scheduled prompt. Return False if it is not active."""
    sql = "UPDATE scheduled_prompts SET state = 'paused', paused_for = :reason WHERE id = :id AND state = 'active'"
    return bool(conn.run(sql, id=schedule_id, reason=reason.value))


def remove(conn: Connection, tenant_id: int, schedule_id: int) -> bool:
    """Delete a scheduled prompt of this tenant. Return False if it does not exist."""
    sql = "DELETE FROM scheduled_prompts WHERE id = :id AND tenant_id = :tenant"
    return bool(conn.run(sql, id=schedule_id, tenant=tenant_id))


def set_zone(conn: Connection, tenant_id: int, settings: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> None:
    """Store a tenant's time zone, and move the next runs to it. `settings`: those before the change."""
    old = zones.zone_of(settings)
    tenant_settings.set_setting(conn, tenant_id, zones.SETTING, zone.key)
    for found in conn.rows("SELECT * FROM scheduled_prompts WHERE tenant_id = :tenant", tenant=tenant_id):
        known = ScheduledPrompt.from_row(found)
        next_at = known.rule.moved(known.next_at, old, zone, now)
        conn.run("UPDATE scheduled_prompts SET next_at = :next WHERE id = :id", id=known.id, next=ms(next_at))


def everything(conn: Connection, tenant_id: int) -> list[dict[str, Any]]:
    """Return a tenant's scheduled prompts, including drafts, for /export."""
    found = conn.rows("SELECT * FROM scheduled_prompts WHERE tenant_id = :tenant ORDER BY id", tenant=tenant_id)
    return [
        {
            "rule": each.rule.to_text(),
            "prompt": each.prompt,
            "state": each.state.value,
            "paused_for": each.paused_for.value,
            "next_at": each.next_at,
            "runs": each.runs,
            "created_at": each.created_at,
        }
        for each in map(ScheduledPrompt.from_row, found)
    ]


def forget(conn: Connection, tenant_id: int) -> None:
    """Delete a tenant's scheduled prompts."""
    conn.run("DELETE FROM scheduled_prompts WHERE tenant_id = :tenant", tenant=tenant_id)


def sweep_drafts(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` drafts made before `before`, and return their number."""
    sql = (
        "DELETE FROM scheduled_prompts WHERE id IN (SELECT id FROM scheduled_prompts"
        " WHERE state = 'draft' AND created_at < :before LIMIT :n)"
    )
    return conn.run(sql, before=ms(before), n=limit)
