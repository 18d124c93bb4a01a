from scheduler.context import JobContext
from scheduler.jobs import house_caps
from tests.scheduler.conftest import Diary, HandClock, Notebook, capped


async def test_a_model_that_has_lost_enough_is_told_once_a_day(
    desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook
) -> None:
    desk = capped(desk, "0.002")
    for day in range(2):
        await diary.answered("deepseek", nanousd=0)
        await house_caps.run(desk)
        assert len(notebook.texts) == day
        await diary.answered("deepseek", nanousd=0)
        for _ in range(2):
            await house_caps.run(desk)
        assert len(notebook.texts) == day + 1
        clock.move(days=1)
    assert notebook.texts[0].startswith("🟠 auto has lost 0.002 USD today")


async def test_what_may_lose_without_end_is_not_told(desk: JobContext, diary: Diary, notebook: Notebook) -> None:
    await diary.answered("deepseek", nanousd=0)
    await house_caps.run(desk)
    assert notebook.texts == []
