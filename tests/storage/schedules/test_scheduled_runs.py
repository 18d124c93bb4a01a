"""Runs: started once, combined if missed, skipped, and not started for people who can't be answered."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from storage.database.connection import Connection
from storage.database.database import Database
from storage.schedules import scheduled_prompts, scheduled_runs
from storage.schedules.recurrence import Recurrence, Unit
from storage.schedules.scheduled_prompts import PausedFor, ScheduleState
from storage.schedules.scheduled_runs import FIRST_UPDATE_ID, MOST_SKIPS, ScheduledRun
from storage.telegram import inbox
from storage.tenants import tenant_settings
from tests.storage.books import NOW
from tests.storage.schedules.test_scheduled_prompts import BOT, USER, found, person, saved

HOURLY = Recurrence(Unit.HOURS, (1,))
LATER = NOW + timedelta(hours=1)


def waiting(conn: Connection) -> list[dict[str, Any]]:
    return [json.loads(each["payload"]) for each in conn.rows("SELECT payload FROM inbox WHERE state = 'new'")]


def handle_all(conn: Connection, now: datetime) -> None:
    while (claimed := inbox.claim_next(conn, BOT, f"{USER}:0", "L")) is not None:
        inbox.finish(conn, claimed.id, claimed.epoch, now)


async def test_due_run_becomes_one_update_and_the_next_time_is_stored(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = saved(conn, person(conn), HOURLY)
        assert scheduled_runs.start_due(conn, BOT, LATER - timedelta(seconds=1), 10) == 0
        assert scheduled_runs.start_due(conn, BOT, LATER, 10) == 1
        assert scheduled_runs.start_due(conn, BOT, LATER, 10) == 0
        (update,) = waiting(conn)
        assert ScheduledRun.of(update) == ScheduledRun(made.id, LATER)
        assert update["update_id"] > FIRST_UPDATE_ID
        assert (update["message"]["from"]["id"], update["message"]["from"]["username"]) == (USER, "ann")
        assert "news" not in json.dumps(update)  # the prompt is stored only once
        assert found(conn, made).next_at == LATER + timedelta(hours=1)

    await db.write(unit)


async def test_runs_missed_in_a_standstill_count_as_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = saved(conn, person(conn), HOURLY)
        late = NOW + timedelta(hours=5, minutes=30)
        assert scheduled_runs.start_due(conn, BOT, late, 10) == 1
        assert len(waiting(conn)) == 1
        assert found(conn, made).next_at == NOW + timedelta(hours=6)

    await db.write(unit)


async def test_run_does_not_start_while_the_one_before_waits(db: Database) -> None:
    def unit(conn: Connection) -> None:
        saved(conn, person(conn), HOURLY)
        for hours in (1, 2, 3):
            scheduled_runs.start_due(conn, BOT, NOW + timedelta(hours=hours), 10)
        assert len(waiting(conn)) == 1
        handle_all(conn, NOW)
        scheduled_runs.start_due(conn, BOT, NOW + timedelta(hours=4), 10)
        assert len(waiting(conn)) == 1

    await db.write(unit)


async def test_other_bots_and_paused_ones_do_not_run(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = saved(conn, person(conn), HOURLY)
        assert scheduled_runs.start_due(conn, BOT + 1, LATER, 10) == 0
        scheduled_prompts.pause(conn, made.id)
        assert scheduled_runs.start_due(conn, BOT, LATER, 10) == 0

    await db.write(unit)


@pytest.mark.parametrize(
    ("fault", "reason"), [("blocked", PausedFor.BLOCKED), ("banned", PausedFor.BANNED), ("access", PausedFor.BANNED)]
)
async def test_person_who_cannot_be_answered_has_it_paused(db: Database, fault: str, reason: PausedFor) -> None:
    def unit(conn: Connection) -> None:
        made = saved(conn, person(conn), HOURLY)
        if fault == "blocked":
            tenant_settings.set_blocked(conn, USER, True)
        elif fault == "banned":
            tenant_settings.set_banned(conn, made.tenant_id, True)
        else:
            tenant_settings.set_access(conn, made.tenant_id, "pending")
        scheduled_runs.start_due(conn, BOT, LATER, 10)
        assert waiting(conn) == []
        assert (found(conn, made).state, found(conn, made).paused_for) == (ScheduleState.PAUSED, reason)

    await db.write(unit)


async def test_thread_of_a_private_chat_is_kept(db: Database) -> None:
    def unit(conn: Connection) -> None:
        saved(conn, person(conn), HOURLY)
        conn.run("UPDATE scheduled_prompts SET thread_id = 7")
        scheduled_runs.start_due(conn, BOT, LATER, 10)
        (update,) = waiting(conn)
        assert (update["message"]["message_thread_id"], update["message"]["is_topic_message"]) == (7, True)
        assert conn.rows("SELECT chat_key FROM inbox")[0]["chat_key"] == f"{USER}:7"

    await db.write(unit)


async def test_each_skip_counts_once_and_three_in_a_row_pause(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = saved(conn, person(conn), HOURLY)
        for update in range(1, MOST_SKIPS):
            assert not scheduled_runs.settle_skip(conn, made.id, update, counts=True)
            assert not scheduled_runs.settle_skip(conn, made.id, update, counts=True)  # the same update handled again
        assert scheduled_runs.settle_skip(conn, made.id, 99, counts=True)
        assert scheduled_runs.settle_skip(conn, made.id, 99, counts=True)
        assert (found(conn, made).state, found(conn, made).paused_for) == (ScheduleState.PAUSED, PausedFor.SKIPS)
        assert not scheduled_runs.settle_skip(conn, 404, 1, counts=True)

    await db.write(unit)


async def test_answer_between_skips_begins_the_count_anew(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = saved(conn, person(conn), HOURLY)
        for update in range(1, MOST_SKIPS):
            scheduled_runs.settle_skip(conn, made.id, update, counts=True)
        for _ in range(2):
            scheduled_runs.settle_answer(conn, made.id, 50)
        assert (found(conn, made).skips, found(conn, made).runs) == (0, 1)
        assert not scheduled_runs.settle_skip(conn, made.id, 51, counts=True)
        assert not scheduled_runs.settle_skip(conn, made.id, 52, counts=False)
        assert found(conn, made).skips == 1

    await db.write(unit)
