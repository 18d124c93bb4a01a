"""Scheduled prompts: drafts, pauses, zones, and their owner."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from storage.database.connection import Connection
from storage.database.database import Database
from storage.schedules import scheduled_prompts
from storage.schedules.recurrence import EVERY_DAY, Recurrence, Unit
from storage.schedules.scheduled_prompts import PausedFor, ScheduledPrompt, SchedulePlace, ScheduleState
from storage.schedules.zones import zone_of
from storage.tenants import tenants
from tests.storage.books import FREE, NOW

DAILY = Recurrence(Unit.WEEK, EVERY_DAY, 8 * 60)
BOT, USER = 1, 1001
SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")


def person(conn: Connection, user: int = USER) -> int:
    return tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=user, username="ann")


def drafted(conn: Connection, owner: int, rule: Recurrence = DAILY, user: int = USER) -> ScheduledPrompt:
    place = SchedulePlace(BOT, user)
    return scheduled_prompts.draft(conn, owner, place, rule, "news?", rule.first(ZoneInfo("UTC"), NOW), NOW)


def saved(conn: Connection, owner: int, rule: Recurrence = DAILY, user: int = USER) -> ScheduledPrompt:
    made = drafted(conn, owner, rule, user)
    assert scheduled_prompts.activate(conn, made, made.next_at)
    return found(conn, made)


def found(conn: Connection, schedule: ScheduledPrompt) -> ScheduledPrompt:
    again = scheduled_prompts.find(conn, schedule.tenant_id, schedule.id)
    assert again is not None
    return again


async def test_draft_is_not_listed_until_it_is_saved(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = person(conn)
        made = drafted(conn, owner)
        assert scheduled_prompts.of_tenant(conn, owner) == []
        assert scheduled_prompts.latest_draft(conn, owner, NOW) == made
        assert scheduled_prompts.latest_draft(conn, owner, NOW + timedelta(seconds=1)) is None
        assert scheduled_prompts.activate(conn, made, made.next_at)
        assert not scheduled_prompts.activate(conn, made, made.next_at)
        assert [each.state for each in scheduled_prompts.of_tenant(conn, owner)] == [ScheduleState.ACTIVE]

    await db.write(unit)


async def test_pause_has_a_reason_and_resuming_clears_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = saved(conn, person(conn))
        assert scheduled_prompts.pause(conn, made.id, PausedFor.SKIPS)
        assert not scheduled_prompts.pause(conn, made.id)
        assert (found(conn, made).state, found(conn, made).paused_for) == (ScheduleState.PAUSED, PausedFor.SKIPS)
        assert scheduled_prompts.activate(conn, made, made.next_at)
        assert found(conn, made) == made

    await db.write(unit)


async def test_another_tenant_can_neither_see_nor_remove_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made, other = saved(conn, person(conn)), person(conn, 2002)
        assert scheduled_prompts.find(conn, other, made.id) is None
        assert not scheduled_prompts.remove(conn, other, made.id)
        assert scheduled_prompts.remove(conn, made.tenant_id, made.id)
        assert scheduled_prompts.find(conn, made.tenant_id, made.id) is None

    await db.write(unit)


async def test_number_of_a_removed_one_is_not_used_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = person(conn)
        first = saved(conn, owner)
        scheduled_prompts.remove(conn, owner, first.id)
        assert drafted(conn, owner).id > first.id

    await db.write(unit)


async def test_another_time_zone_moves_the_next_runs(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = saved(conn, person(conn))
        state = tenants.state(conn, made.tenant_id)
        assert state is not None
        scheduled_prompts.set_zone(conn, made.tenant_id, state.settings, SAIGON, NOW)
        assert found(conn, made).next_at == DAILY.first(SAIGON, NOW) != made.next_at
        changed = tenants.state(conn, made.tenant_id)
        assert changed is not None
        assert zone_of(changed.settings) == SAIGON

    await db.write(unit)


async def test_old_drafts_are_swept(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = person(conn)
        kept, _ = saved(conn, owner), drafted(conn, owner)
        assert scheduled_prompts.sweep_drafts(conn, NOW, 10) == 0
        assert scheduled_prompts.sweep_drafts(conn, NOW + timedelta(days=2), 10) == 1
        assert scheduled_prompts.of_tenant(conn, owner) == [kept]

    await db.write(unit)


async def test_export_has_them_and_forget_deletes_them(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = person(conn)
        saved(conn, owner)
        drafted(conn, owner)
        exported, draft = scheduled_prompts.everything(conn, owner)
        assert draft["state"] == "draft"
        assert (exported["prompt"], exported["rule"]) == ("news?", "week:1,2,3,4,5,6,7@480")
        scheduled_prompts.forget(conn, owner)
        assert scheduled_prompts.everything(conn, owner) == []

    await db.write(unit)
