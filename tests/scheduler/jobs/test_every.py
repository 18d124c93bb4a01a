"""The job of scheduled prompts: it starts due runs in chunks, and none without a bot."""

from dataclasses import replace

from scheduler.context import JobContext
from scheduler.jobs import every
from storage.database.connection import Connection
from storage.schedules import scheduled_prompts
from storage.schedules.recurrence import Recurrence, Unit
from storage.schedules.scheduled_prompts import SchedulePlace
from storage.tenants import tenants
from tests.scheduler.conftest import NOW, HandClock
from tests.scheduler.jobs.test_broadcasts import NoStars

HOURLY = Recurrence(Unit.HOURS, (1,))


async def test_all_due_runs_start_once(context: JobContext, clock: HandClock) -> None:
    people = every.CHUNK + 3

    def unit(conn: Connection) -> None:
        for user in range(5000, 5000 + people):
            owner = tenants.create(conn, "", context.plans["free"], now=NOW, telegram_user_id=user)
            place = SchedulePlace(NoStars.bot_id, user)
            made = scheduled_prompts.draft(conn, owner, place, HOURLY, "news?", NOW, NOW)
            scheduled_prompts.activate(conn, made, NOW)

    await context.db.write(unit)
    await every.run(context)  # without a bot, no process could answer
    with_bot = replace(context, stars=NoStars())
    for _ in range(2):
        await every.run(with_bot)
    assert await started(context) == people
    clock.move(hours=1)
    await every.run(with_bot)
    assert await started(context) == people  # the first runs are not handled yet


async def started(context: JobContext) -> int:
    found = await context.db.read(lambda conn: conn.rows("SELECT COUNT(*) AS n FROM inbox"))
    return int(found[0]["n"])
