"""Alerts about offers that have become slow compared with their own last week."""

from datetime import timedelta

import pytest

from engine.chat import Usage
from engine.money import Money
from scheduler.context import JobContext
from scheduler.jobs import slowness
from scheduler.publishing import publish
from storage.alerts import incidents
from tests.builders import spent
from tests.scheduler.conftest import HandClock, Notifications


class Answers:
    def __init__(self, context: JobContext) -> None:
        self._context, self._number = context, 0

    async def add(self, count: int, first_token_ms: int, *, ago: timedelta = timedelta(minutes=1)) -> None:
        at = self._context.clock.now() - ago
        for _ in range(count):
            self._number += 1
            await self._context.db.write(
                spent(
                    1,
                    Money(2),
                    at,
                    outcome="answered",
                    request_id=f"r{self._number}",
                    provider="deepseek",
                    model="m",
                    usage=Usage(1, 1),
                    cost=Money(1),
                    first_token_ms=first_token_ms,
                    duration_ms=first_token_ms + 9,
                )
            )


@pytest.fixture
async def answers(context: JobContext) -> Answers:
    """Return a week of answers whose 95th percentile is 600 ms."""
    made = Answers(context)
    await made.add(90, 300, ago=timedelta(days=1))
    await made.add(10, 600, ago=timedelta(hours=2))
    return made


async def check(context: JobContext) -> None:
    await slowness.run(context)
    await publish(context, context.clock.now())


async def test_slow_offer_is_told_and_so_is_its_recovery(
    context: JobContext, clock: HandClock, answers: Answers, notifier: Notifications
) -> None:
    await answers.add(20, 1600)
    await check(context)
    (text,) = notifier.texts
    assert text.startswith("🐢 deepseek/m is slow: of 20 answers one waits 1,600 ms or longer for its first word")
    assert "it was 600 ms" in text
    clock.move(minutes=30)
    await answers.add(20, 900)
    await check(context)
    assert notifier.texts[1] == "🟢 deepseek/m is as fast as usual again, after 30 min."


@pytest.mark.parametrize(("count", "wait"), [(20, 1599), (19, 9000)])
async def test_little_evidence_or_a_small_difference_is_no_incident(
    context: JobContext, answers: Answers, notifier: Notifications, count: int, wait: int
) -> None:
    await answers.add(count, wait)
    await check(context)
    assert notifier.texts == []


async def test_new_offer_has_no_baseline(context: JobContext, notifier: Notifications) -> None:
    made = Answers(context)
    await made.add(99, 300, ago=timedelta(days=1))
    await made.add(40, 9000)
    await check(context)
    assert notifier.texts == []


async def test_slow_answers_do_not_become_the_baseline(
    context: JobContext, clock: HandClock, answers: Answers, notifier: Notifications
) -> None:
    for _ in range(5):
        await answers.add(30, 3000)
        await check(context)
        clock.move(minutes=10)
    assert len(notifier.messages) == 1


async def test_incident_without_traffic_ends_without_a_message(
    context: JobContext, clock: HandClock, answers: Answers, notifier: Notifications
) -> None:
    await answers.add(20, 1600)
    await check(context)
    clock.move(minutes=59)
    await check(context)
    assert len(await context.db.read(incidents.all_open)) == 1
    clock.move(minutes=2)
    await check(context)
    assert await context.db.read(incidents.all_open) == []
    assert len(notifier.messages) == 1
