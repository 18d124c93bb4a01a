"""Outages around the moment at which the clock is set back or forward by hours."""

from datetime import timedelta

import pytest

from scheduler.context import JobContext
from scheduler.jobs import outages
from storage.alerts import incidents
from tests.scheduler.conftest import HandClock, Journal, Notifications

STEPS = [timedelta(hours=-2), timedelta(hours=2), timedelta(days=-40)]


@pytest.mark.parametrize("step", STEPS)
async def test_outage_that_began_before_ends_after(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications, step: timedelta
) -> None:
    await journal.answered("openai", times=3)
    await journal.failed("openai", times=5)
    await outages.run(context)
    clock.wrong_by = step
    await outages.run(context)
    assert len(notifier.texts) == 1
    await journal.answered("openai")
    await outages.run(context)
    assert [text[:1] for text in notifier.texts] == ["🔴", "🟢"]


@pytest.mark.parametrize("step", STEPS)
async def test_outage_after_an_end_of_hours_ago_is_told(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications, step: timedelta
) -> None:
    await journal.failed("openai", times=5)
    await outages.run(context)
    await journal.answered("openai")
    await outages.run(context)
    clock.wrong_by = step
    clock.move(minutes=1)
    await outages.run(context)
    clock.move(minutes=11)
    await journal.failed("openai", times=5)
    await outages.run(context)
    assert [text[:1] for text in notifier.texts] == ["🔴", "🟢", "🔴"]
    await journal.answered("openai")
    await outages.run(context)
    assert await context.db.read(incidents.all_open) == []


@pytest.mark.parametrize("step", STEPS)
async def test_everything_is_down_and_back(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications, step: timedelta
) -> None:
    await journal.failed("none", "no_provider", status=None)
    await journal.answered("gemini")
    clock.wrong_by = step
    await outages.run(context)
    assert notifier.texts == []
    await journal.failed("none", "no_provider", status=None)
    await outages.run(context)
    assert [text[:20] for text in notifier.texts] == ["🚨 Everything is down"]
    clock.wrong_by += step
    await outages.run(context)
    await journal.answered("gemini")
    await outages.run(context)
    assert "answered again" in notifier.texts[1]
    assert len(notifier.texts) == 2


async def test_outage_goes_on_when_the_clock_is_set_right_again(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.answered("openai", times=3)
    clock.wrong_by = -timedelta(hours=1)
    clock.move(minutes=10)
    await journal.failed("openai", times=6)
    await outages.run(context)
    clock.wrong_by = timedelta(0)
    await outages.run(context)
    assert [text[:1] for text in notifier.texts] == ["🔴"]
    await journal.answered("openai")
    await outages.run(context)
    assert [text[:1] for text in notifier.texts] == ["🔴", "🟢"]
