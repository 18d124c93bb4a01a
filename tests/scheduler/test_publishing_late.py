"""Incidents that could not be told at once: those that are over are told in the past tense, the rest together."""

from dataclasses import replace
from functools import partial
from typing import Any

from scheduler.context import JobContext
from scheduler.incidents import report
from scheduler.ports import Sent
from storage.alerts import alert_messages
from storage.alerts.admin_notices import LONGEST_PAUSE, Undelivered
from tests.scheduler.conftest import HandClock, Notifications
from tests.scheduler.test_publishing import ALL_DOWN, down, recover, show


async def test_outage_that_ended_before_its_first_message_is_one_message_in_the_past_tense(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await down(context)
    clock.move(minutes=8)
    await recover(context)
    for _ in range(3):
        await show(context)
    (message,) = notifier.messages.values()
    assert message.text.splitlines()[0] == "🟢 deepseek was down: timeout, 5 failures"
    assert "From 24 Nov 2026, 12:00 UTC to 24 Nov 2026, 12:08 UTC, for 8 min" in message.text
    assert (message.edits, message.buttons, message.reply_to) == (0, (), None)


async def told_late_and_down_again(context: JobContext) -> None:
    """Tell an outage after its end; then let it return."""
    await down(context)
    await recover(context)
    await show(context)
    await down(context, count=9)


async def test_outage_told_in_the_past_tense_that_returns_is_edited_and_its_end_gets_a_reply(
    context: JobContext, notifier: Notifications
) -> None:
    await told_late_and_down_again(context)
    await show(context)
    (message,) = notifier.messages.values()
    assert "🔴 deepseek is down: timeout, 9 failures" in message.text
    assert "1 time so far" in message.text
    await recover(context)
    await show(context)
    _, reply = notifier.messages.values()
    assert "is back" in reply.text
    assert "is down" in message.text


async def test_outage_that_returned_and_ended_between_two_runs_stays_in_the_past_tense(
    context: JobContext, notifier: Notifications
) -> None:
    await told_late_and_down_again(context)
    await recover(context)
    await show(context)
    (message,) = notifier.messages.values()
    assert "was down: timeout, 9 failures" in message.text
    assert "1 time so far" in message.text


async def test_group_of_outages_has_buttons_for_those_that_go_on(context: JobContext, notifier: Notifications) -> None:
    for name in ("deepseek", "gemini", "openai"):
        await down(context, name)
    await recover(context, "gemini")
    await show(context)
    (message,) = notifier.messages.values()
    firsts = [line[:2] for line in message.text.splitlines() if line.startswith(("🔴", "🟢"))]
    assert firsts == ["🔴 ", "🟢 ", "🔴 "]
    assert [button.args for button in message.buttons] == [("1", "3"), ("1", "3"), ()]
    await recover(context, "openai")
    await show(context)
    assert [reply.text[:11] for reply in list(notifier.messages.values())[1:]] == ["🟢 openai is"]


async def test_all_that_waited_for_telegram_is_sent_as_soon_as_one_message_arrives(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    notifier.is_offline = True
    for name in ("deepseek", "gemini"):
        await down(context, name)
    await report(context, "everything_down", "all", ALL_DOWN, context.clock.now())
    for _ in range(40):
        await show(context)
        clock.move(seconds=15)
    notifier.is_offline = False
    clock.move(seconds=LONGEST_PAUSE.total_seconds())
    await show(context)
    assert [text[:2] for text in notifier.texts] == ["🚨 ", "🔴 ", "🔴 "]


async def test_only_one_message_is_tried_in_a_run_without_telegram(context: JobContext) -> None:
    tried: list[int] = []

    class Away(Notifications):
        async def deliver(self, user_id: int, *_: object, **__: object) -> Sent | Undelivered:
            tried.append(user_id)
            return Undelivered.UNREACHABLE

    for name in ("deepseek", "gemini"):
        await down(context, name)
    await show(replace(context, notifier=Away(admins=(1, 2))))
    assert tried == [1, 2]


async def test_admin_who_comes_back_gets_open_incidents_and_later_returns_of_closed_ones(context: JobContext) -> None:
    refused: set[int] = {2}

    class Blocked(Notifications):
        async def deliver(self, user_id: int, *given: Any, **named: Any) -> Sent | Undelivered:
            return Undelivered.REFUSED if user_id in refused else await super().deliver(user_id, *given, **named)

    notifier = Blocked(admins=(1, 2))
    context = replace(context, notifier=notifier)
    for name in ("deepseek", "gemini"):
        await down(context, name)
        await show(context)
    await recover(context, "gemini")
    await show(context)
    refused.clear()
    await context.db.write(partial(alert_messages.retry_lost, admin=2))
    await show(context)
    assert [text.text[:10] for (chat, _), text in notifier.messages.items() if chat == 2] == ["🔴 deepseek"]
    await down(context, "gemini")
    await show(context)
    assert [chat for chat, _ in notifier.messages if chat == 2] == [2, 2]
