"""Messages about incidents: one to each admin, its edits, its reply, and recovery from an interrupted delivery."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from locales.button import Button
from scheduler.context import JobContext
from scheduler.incidents import close_silently, report, resolve
from scheduler.ports import Sent
from scheduler.publishing import PUBLISHED, TOGETHER, publish
from storage.alerts import incidents
from storage.alerts.admin_notices import CLAIM, FIRST_PAUSE, Undelivered
from storage.reports.usage import UsageSpan
from tests.scheduler.conftest import ADMIN, HandClock, Notifications

DOWN = "provider_down"
SINCE = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALL_DOWN = {"count": 2, "since": SINCE, "states": "deepseek: timeout", "models": ""}


def outage(name: str, count: int) -> dict[str, object]:
    common = {"error": "timeout", "limited": 0, "status": None, "since": SINCE, "share": 50, "offer": "", "usd": ""}
    return {"provider": name, "count": count, **common}


def back(name: str) -> dict[str, object]:
    return {"provider": name, "minutes": 3, "prompts": 4, "cost": "1 ¢", "more": ""}


async def down(context: JobContext, name: str = "deepseek", count: int = 5) -> None:
    await report(context, DOWN, name, outage(name, count), context.clock.now())


async def recover(context: JobContext, name: str = "deepseek") -> None:
    await resolve(context, DOWN, name, back(name), context.clock.now())


async def show(context: JobContext) -> None:
    await publish(context, context.clock.now())


async def test_incident_is_one_message_that_is_edited_where_it_changed(
    context: JobContext, notifier: Notifications
) -> None:
    for count in (5, 5, 6):
        await down(context, count=count)
        await show(context)
        await show(context)
    (message,) = notifier.messages.values()
    assert (message.edits, message.text.splitlines()[0]) == (1, "🔴 deepseek is down: timeout, 6 failures")
    assert [button.action for button in message.buttons] == ["ack", "mute", "drain", "probe"]


async def test_figures_that_grow_edit_the_message_ever_less_often(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    for count in range(150):
        await down(context, count=count)
        await show(context)
        clock.move(seconds=4)
    (message,) = notifier.messages.values()
    assert 15 < message.edits < 30
    assert int(message.text.splitlines()[0].split()[-2]) > 130, "the last figures are a minute old at most"
    before = message.edits
    changed = {**outage("deepseek", 150), "error": "overloaded"}
    await report(context, DOWN, "deepseek", changed, clock.now())
    await show(context)
    assert (message.edits, "overloaded" in message.text) == (before + 1, True), "other words are shown at once"


async def test_last_figures_are_shown_with_the_end(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await down(context, count=5)
    await show(context)
    clock.move(seconds=300)
    for count in (6, 7):
        await down(context, count=count)
        await show(context)
    await recover(context)
    await show(context)
    message, _ = notifier.messages.values()
    assert (message.edits, message.text.splitlines()[0]) == (2, "🔴 deepseek is down: timeout, 7 failures")


async def test_acknowledged_incident_names_the_operator_in_its_one_message(
    context: JobContext, notifier: Notifications
) -> None:
    await down(context, "deepseek")
    await show(context)
    await context.db.write(lambda conn: incidents.acknowledge(conn, [1], "Olga *the* `first`"))
    await show(context)
    (message,) = notifier.messages.values()
    assert message.text.endswith("\n✓ `Olga *the* 'first'` is on it.")
    assert [button.action for button in message.buttons] == ["mute", "drain", "probe"]
    await show(context)
    assert message.edits == 1


async def test_end_is_a_reply(context: JobContext, notifier: Notifications) -> None:
    await down(context)
    await show(context)
    await recover(context)
    for _ in range(2):
        await show(context)
    _, reply = notifier.messages.values()
    assert (reply.reply_to, reply.edits) == ((ADMIN, 1), 0)
    assert "is back after 3 min" in reply.text


async def test_flapping_edits_two_messages_and_sends_no_third(context: JobContext, notifier: Notifications) -> None:
    for count in range(4):
        await down(context, count=count)
        await show(context)
        await recover(context)
        await show(context)
    await down(context, count=9)
    await show(context)
    alert, reply = notifier.messages.values()
    assert "9 failures" in alert.text
    assert "4 times so far" in alert.text
    assert "is down again" in reply.text
    await recover(context)
    await show(context)
    assert "is back" in reply.text


async def test_incident_closed_silently_is_not_reported_later(context: JobContext, notifier: Notifications) -> None:
    await down(context)
    await close_silently(context, DOWN, "deepseek", context.clock.now())
    await show(context)
    assert notifier.texts == []


async def test_muted_incident_is_edited_once_the_mute_ends_and_its_end_is_told_at_once(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await down(context)
    await show(context)
    until = clock.at + timedelta(hours=1)
    await context.db.write(lambda conn: incidents.mute(conn, [1], until))
    await down(context, count=6)
    await show(context)
    (message,) = notifier.messages.values()
    assert message.edits == 0
    clock.at = until
    await show(context)
    assert message.edits == 1
    await context.db.write(lambda conn: incidents.mute(conn, [1], until + timedelta(hours=1)))
    await recover(context)
    await show(context)
    assert len(notifier.messages) == 2


async def test_outages_that_begin_together_share_one_message(context: JobContext, notifier: Notifications) -> None:
    names = ["deepseek", "gemini", "openai"]
    for name in names:
        await down(context, name)
    await show(context)
    (message,) = notifier.messages.values()
    assert [line for line in message.text.splitlines() if line.startswith("🔴")] == [
        f"🔴 {name} is down: timeout, 5 failures" for name in names
    ]
    assert [(button.action, button.args) for button in message.buttons] == [
        ("ack", ("1", "2", "3")),
        ("mute", ("1", "2", "3")),
        ("list", ()),
    ]
    await down(context, "gemini", 8)
    await recover(context, "openai")
    await show(context)
    assert "🔴 gemini is down: timeout, 8 failures" in message.text
    _, reply = notifier.messages.values()
    assert (reply.reply_to, "openai is back" in reply.text) == ((ADMIN, 1), True)


async def test_fewer_outages_are_messages_of_their_own(context: JobContext, notifier: Notifications) -> None:
    for name in ("deepseek", "gemini", "openai")[: TOGETHER - 1]:
        await down(context, name)
    await show(context)
    assert len(notifier.messages) == TOGETHER - 1


async def test_everything_down_comes_first(context: JobContext, notifier: Notifications) -> None:
    for name in ("deepseek", "gemini", "openai"):
        await down(context, name)
    await report(context, "everything_down", "all", ALL_DOWN, context.clock.now())
    await show(context)
    assert [text[:2] for text in notifier.texts] == ["🚨 ", "🔴 "]


class Selective(Notifications):
    """A notifier for which some admins are unreachable or gone."""

    states: Mapping[int, Undelivered]

    def __init__(self, states: Mapping[int, Undelivered]) -> None:
        super().__init__(admins=(1, 2, 3))
        self.states = states

    async def deliver(
        self,
        user_id: int,
        key: str,
        values: Mapping[str, object],
        buttons: Sequence[Button] = (),
        *,
        reply_to: int | None = None,
        chart: UsageSpan | None = None,
    ) -> Sent | Undelivered:
        found = self.states.get(user_id)
        return found or await super().deliver(user_id, key, values, buttons, reply_to=reply_to, chart=chart)


async def test_each_admin_is_told_once_reachable_and_one_who_blocks_the_bot_never(
    context: JobContext, clock: HandClock
) -> None:
    notifier = Selective({1: Undelivered.UNREACHABLE, 2: Undelivered.REFUSED})
    context = replace(context, notifier=notifier)
    await down(context)
    await show(context)
    assert [chat for chat, _ in notifier.messages] == [3]
    notifier.states = {}
    clock.move(seconds=FIRST_PAUSE.total_seconds() - 0.001)
    await show(context)
    assert [chat for chat, _ in notifier.messages] == [3]
    clock.move(seconds=0.001)
    await recover(context)
    await show(context)
    assert sorted(chat for chat, _ in notifier.messages) == [1, 3, 3], "the first admin gets one, in the past tense"


async def test_edit_and_reply_that_fail_are_repeated(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await down(context)
    await show(context)
    notifier.is_offline = True
    await down(context, count=7)
    await recover(context)
    await show(context)
    notifier.is_offline = False
    clock.move(seconds=FIRST_PAUSE.total_seconds())
    await show(context)
    alert, reply = notifier.messages.values()
    assert "7 failures" in alert.text
    assert "is back" in reply.text


class Dying(Notifications):
    async def deliver(self, *_: object, **__: object) -> Sent | Undelivered:
        raise RuntimeError("the process died")


async def test_message_of_a_process_that_died_is_sent_by_another_after_its_claim(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await down(context)
    with pytest.raises(RuntimeError):
        await show(replace(context, notifier=Dying()))
    await show(context)
    assert notifier.texts == []
    clock.at += CLAIM
    await show(context)
    assert len(notifier.texts) == 1


async def test_old_ends_are_not_published_any_more(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await down(context)
    await recover(context)
    clock.at += PUBLISHED + timedelta(seconds=1)
    await show(context)
    assert notifier.texts == []
