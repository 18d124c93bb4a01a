from scheduler.context import JobContext
from scheduler.jobs import spending_caps
from tests.scheduler.conftest import HandClock, Journal, Notifications, capped


async def test_model_at_its_loss_limit_is_reported_once_a_day(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    context = capped(context, "0.002")
    for day in range(2):
        await journal.answered("deepseek", nanousd=0)
        await spending_caps.run(context)
        assert len(notifier.texts) == day
        await journal.answered("deepseek", nanousd=0)
        for _ in range(2):
            await spending_caps.run(context)
        assert len(notifier.texts) == day + 1
        clock.move(days=1)
    assert notifier.texts[0].startswith("🟠 auto has lost 0.2 ¢ today")


async def test_model_without_a_loss_limit_is_not_reported(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.answered("deepseek", nanousd=0)
    await spending_caps.run(context)
    assert notifier.texts == []
