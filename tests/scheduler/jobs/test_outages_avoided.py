"""The alert about an offer that is avoided without an outage."""

import pytest

from scheduler.context import JobContext
from scheduler.jobs import outages
from storage.alerts import incidents
from tests.scheduler.conftest import ADMIN, HandClock, Journal, Notifications


async def flaky(journal: Journal, rounds: int, good: int = 3) -> None:
    """Journal one failure after every `good` answers."""
    for _ in range(rounds):
        await journal.answered("deepseek", good)
        await journal.failed("deepseek", "timeout", status=None)


async def test_offer_that_is_avoided_without_an_outage_is_reported_once(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await flaky(journal, 5)
    await journal.answered("gemini", 4)
    clock.move(seconds=1)
    for _ in range(3):
        await outages.run(context)
    (alert,) = notifier.texts
    assert alert.splitlines()[0] == "🟡 deepseek/m is avoided: 25 % of its attempts fail (timeout)"
    assert "The detour costs about 92 ¢ a day" in alert
    assert [each.kind for each in await context.db.read(incidents.all_open)] == ["offer_avoided"]


async def test_avoided_offer_that_answers_again_is_reported_once_and_a_return_is_the_same_incident(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await flaky(journal, 5)
    await outages.run(context)
    clock.move(minutes=6)
    await journal.answered("deepseek", 10)
    for _ in range(2):
        await outages.run(context)
    assert [text.splitlines()[0] for text in notifier.texts[1:]] == [
        "🟢 deepseek/m answers reliably again, after 6 min."
    ]
    await flaky(journal, 5)
    await outages.run(context)
    assert len(notifier.messages) == 2
    assert "went down again: 1 time" in notifier.texts[0]


@pytest.mark.parametrize(("answers", "told"), [(19, 0), (18, 1)])
async def test_one_failure_in_twenty_is_not_avoided(
    context: JobContext, journal: Journal, notifier: Notifications, answers: int, told: int
) -> None:
    """One of 20 is 5 %; one more failure exceeds that."""
    await journal.failed("deepseek", times=20 - answers)
    await journal.answered("deepseek", answers)
    await outages.run(context)
    assert len(notifier.texts) == told


async def test_few_attempts_are_not_enough_for_an_avoided_offer(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.failed("deepseek", times=2)
    await journal.answered("deepseek", 17)
    await outages.run(context)
    assert notifier.texts == []


async def test_failures_of_an_outage_are_not_reported_again_as_an_avoided_offer(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.answered("deepseek", 20)
    await journal.failed("deepseek", times=4)
    await outages.run(context)
    assert notifier.texts == [], "it may be the beginning of an outage"
    await journal.failed("deepseek", times=8)
    await outages.run(context)
    await journal.answered("deepseek", 10)
    await outages.run(context)
    clock.move(minutes=4)
    await journal.failed("deepseek")
    await journal.answered("deepseek", 20)
    await outages.run(context)
    assert [text.splitlines()[0][:22] for text in notifier.texts] == [
        "🔴 deepseek/m is down: ",
        "🟢 deepseek/m is back a",
    ]


async def test_avoided_offer_that_goes_down_is_told_and_each_message_gets_its_reply(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await flaky(journal, 5)
    await outages.run(context)
    await journal.failed("deepseek", times=12)
    await outages.run(context)
    assert [each.kind for each in await context.db.read(incidents.all_open)] == ["offer_avoided", "offer_down"]
    await journal.answered("deepseek", 10)
    await outages.run(context)
    clock.move(minutes=6)
    await journal.answered("deepseek", 10)
    await outages.run(context)
    assert await context.db.read(incidents.all_open) == []
    assert [each.reply_to for each in notifier.messages.values()] == [None, None, (ADMIN, 2), (ADMIN, 1)]
