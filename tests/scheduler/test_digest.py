from dataclasses import replace

from scheduler.context import JobContext
from scheduler.jobs import digest, outages
from storage.reports import rollups
from storage.tenants import tenants
from tests.scheduler.conftest import NOW, Diary, HandClock, Notebook


async def test_it_tells_of_yesterday_once_at_the_operators_hour(
    desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook
) -> None:
    await desk.db.write(lambda conn: tenants.create(conn, "Ann *star* `tick`", desk.plans["free"], now=NOW))
    await diary.answered("deepseek", 3)
    await diary.failed("gemini", "timeout", 7, status=None)
    await diary.failed("none", "no_provider", status=None)
    await outages.run(desk)
    notebook.told.clear()
    await rollups.catch_up(desk.db)
    at_five = clock.at.replace(day=25, hour=5)
    for now, count in ((at_five, 0), (at_five.replace(hour=6), 1), (at_five.replace(hour=23), 1)):
        clock.at = now
        await digest.run(replace(desk, digest_hour_utc=6))
        assert len(notebook.texts) == count, now
    (text,) = notebook.texts
    for words in (
        "2026-11-24",
        "Answers: 3 · tokens: 4,500",
        "Charged 0.015 USD",
        "cost 0.003 USD",
        "80.0 % of what was sold",
        "Failed attempts: 7 (gemini timeout 7)",
        "nobody answered: 1",
        "`Ann *star* 'tick'`: 3 · 4,500 tokens · 0.015 USD",
        "gemini: provider down",
    ):
        assert words in text, words


async def test_a_restart_tells_nothing_again_and_a_late_start_tells_late(
    desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook
) -> None:
    await diary.answered("deepseek")
    clock.at = clock.at.replace(day=25, hour=22)
    for _ in range(3):
        await digest.run(replace(desk))
    assert len(notebook.texts) == 1


async def test_a_quiet_day_is_said_to_be(desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook) -> None:
    await diary.answered("deepseek")
    clock.at = clock.at.replace(day=26)
    await digest.run(desk)
    assert notebook.texts == ["📒 2026-11-25: a quiet day, nobody asked anything."]


async def test_a_house_that_opened_today_has_no_yesterday(desk: JobContext, diary: Diary, notebook: Notebook) -> None:
    await diary.answered("deepseek")
    await digest.run(desk)
    assert notebook.texts == []
