from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scheduler.context import JobContext
from scheduler.jobs import digest, outages
from storage.database.connection import Connection
from storage.reports import rollups
from storage.schedules import zones
from storage.tenants import notices, tenant_settings, tenants
from tests.scheduler.conftest import NOW, HandClock, Journal, Notifications


async def test_digest_is_sent_once_at_the_operators_hour(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await context.db.write(lambda conn: tenants.create(conn, "Ann *star* `tick`", context.plans["free"], now=NOW))
    await journal.answered("deepseek", 3)
    await journal.failed("gemini", "timeout", 7, status=None)
    await journal.failed("none", "no_provider", status=None)
    await outages.run(context)
    notifier.messages.clear()
    await rollups.catch_up(context.db)
    at_five = clock.at.replace(day=25, hour=5)
    for now, count in ((at_five, 0), (at_five.replace(hour=6), 1), (at_five.replace(hour=23), 1)):
        clock.at = now
        await digest.run(replace(context, digest_hour=6))
        assert len(notifier.texts) == count, now
    (text,) = notifier.texts
    for words in (
        "24 Nov 2026",
        "Answers: 3 · tokens: 4,500",
        "Charged 1.5 ¢",
        "cost 0.3 ¢",
        "80.0 % of sales",
        "Failed attempts: 7 (gemini timeout 7)",
        "unanswered prompts: 1",
        "`Ann *star* 'tick'`: 3 answers · 4,500 tokens · 1.5 ¢",
        "gemini/m: model down",
    ):
        assert words in text, words


@pytest.mark.parametrize("start", [datetime(2027, 3, 26, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC)])
async def test_each_day_is_told_once_where_the_hour_crosses_midnight_utc(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications, start: datetime
) -> None:
    """London: 00:30 is 23:30 UTC of the day before in summer."""
    clock.at = start - timedelta(days=9)
    await journal.answered("deepseek")
    clock.at = start
    for _ in range(4 * 7):
        clock.move(hours=6)
        await digest.run(replace(context, digest_hour=0, digest_zone=ZoneInfo("Europe/London")))
    told = [int(text.split()[1]) for text in notifier.texts]  # the day of the month
    days = [(start + timedelta(days=number)).day for number in range(-2, 7)]
    assert told == days[days.index(told[0]) :][: len(told)]
    assert len(told) >= 6


async def test_restart_sends_no_second_digest_and_late_start_sends_it_late(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.answered("deepseek")
    clock.at = clock.at.replace(day=25, hour=22)
    for _ in range(3):
        await digest.run(replace(context))
    assert len(notifier.texts) == 1


async def test_quiet_day_has_its_own_message(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.answered("deepseek")
    clock.at = clock.at.replace(day=26)
    await digest.run(context)
    assert notifier.texts == ["📒 25 Nov 2026: a quiet day, no one asked anything."]


async def test_new_service_sends_no_digest(context: JobContext, journal: Journal, notifier: Notifications) -> None:
    await journal.answered("deepseek")
    await digest.run(context)
    assert notifier.texts == []


async def test_digest_has_a_chart_of_the_last_14_days(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.answered("deepseek", 2)
    await rollups.catch_up(context.db)
    clock.at = clock.at.replace(day=25)
    await digest.run(context)
    (message,) = notifier.messages.values()
    assert message.chart is not None
    assert (f"{message.chart.start:%m-%d}", f"{message.chart.end:%m-%d}") == ("11-11", "11-24")
    assert sum(row.prompts for row in message.chart.rows) == 2


async def test_each_admin_has_it_at_the_hour_of_the_own_time_zone(
    context: JobContext, journal: Journal, clock: HandClock
) -> None:
    await journal.answered("deepseek")
    notifier = Notifications(admins=(1, 2))
    in_zone = replace(context, notifier=notifier, digest_hour=7)

    def unit(conn: Connection) -> None:
        owner = tenants.create(conn, "Bao", context.plans["free"], now=NOW, telegram_user_id=2)
        tenant_settings.set_setting(conn, owner, zones.SETTING, "Asia/Ho_Chi_Minh")

    await context.db.write(unit)
    for hour, told in ((0, [2]), (6, [2]), (7, [2, 1]), (23, [2, 1])):
        clock.at = clock.at.replace(day=25, hour=hour)
        await digest.run(in_zone)
        assert [user for user, _ in notifier.messages] == told


async def test_day_that_an_earlier_version_told_all_admins_is_not_reported_again(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.answered("deepseek")
    await context.db.write(lambda conn: notices.first_time(conn, "digest:2026-11-24", NOW))
    clock.at = clock.at.replace(day=25)
    await digest.run(context)
    assert notifier.texts == []
