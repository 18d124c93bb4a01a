"""The messages of one incident, from its opening to its recovery."""

from dataclasses import replace
from datetime import timedelta

import pytest

from locales.button import Button
from scheduler.context import JobContext
from scheduler.incidents import Alert, IncidentFacts, close_silently, report, resolve
from storage.operations import incidents
from tests.scheduler.conftest import ADMIN, HandClock, Notifications


def values(facts: IncidentFacts) -> IncidentFacts:
    return {"what": str(facts["count"]), "states": str(facts.get("since", ""))}


ALERT = Alert(
    "everything_down",
    "all",
    "alert.everything_down",
    "alert.everything_back",
    values,
    lambda number: (Button("alert.mute", "alerts", "mute", (str(number),)),),
)
BACK = {"minutes": 3}


async def one_report(context: JobContext, count: int, **facts: object) -> None:
    await report(context, ALERT, {"count": count, **facts}, context.clock.now())


async def recover(context: JobContext) -> None:
    await resolve(context, ALERT, BACK, context.clock.now())


async def test_incident_is_one_message_that_is_edited(context: JobContext, notifier: Notifications) -> None:
    for count in (1, 1, 2):
        await one_report(context, count)
    (message,) = notifier.messages.values()
    assert (message.edits, "2" in message.text) == (1, True)
    assert [button.args for button in message.buttons] == [("1",)]


async def test_first_facts_are_kept(context: JobContext, notifier: Notifications) -> None:
    await one_report(context, 1, since="12:00")
    await one_report(context, 2, since="13:00")
    assert notifier.texts[0].endswith("12:00")


async def test_recovery_is_a_reply_and_closes_the_incident(context: JobContext, notifier: Notifications) -> None:
    await one_report(context, 1)
    for _ in range(2):
        await recover(context)
    _, reply = notifier.messages.values()
    assert reply.reply_to == (ADMIN, 1)
    assert await context.db.read(incidents.all_open) == []


async def test_recovery_without_an_incident_sends_nothing(context: JobContext, notifier: Notifications) -> None:
    await recover(context)
    assert notifier.texts == []


@pytest.mark.parametrize(("seconds", "messages"), [(600, 2), (600.001, 3)])
async def test_incident_is_reopened_within_reopen_seconds(
    context: JobContext, clock: HandClock, notifier: Notifications, seconds: float, messages: int
) -> None:
    await one_report(context, 1)
    await recover(context)
    clock.move(seconds=seconds)
    await one_report(context, 2)
    assert len(notifier.messages) == messages


async def test_reopened_incident_edits_both_messages_and_counts_its_returns(
    context: JobContext, notifier: Notifications
) -> None:
    for count in range(3):
        await one_report(context, count)
        await recover(context)
    await one_report(context, 9)
    alert, reply = notifier.messages.values()
    assert "9" in alert.text
    assert "is down again" in reply.text
    (known,) = await context.db.read(incidents.all_open)
    assert known.facts["returned"] == 3


async def test_muted_incident_is_edited_again_afterwards(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await one_report(context, 1)
    until = clock.at + timedelta(minutes=1)
    await context.db.write(lambda conn: incidents.mute(conn, 1, until))
    await one_report(context, 2)
    (message,) = notifier.messages.values()
    assert message.edits == 0
    clock.at = until
    await one_report(context, 3)
    assert message.edits == 1


async def test_silent_close_sends_nothing(context: JobContext, notifier: Notifications) -> None:
    await one_report(context, 1)
    for _ in range(2):
        await close_silently(context, ALERT.kind, ALERT.subject, context.clock.now())
    assert len(notifier.messages) == 1
    assert await context.db.read(incidents.all_open) == []


async def test_message_that_was_never_sent_is_sent_by_the_next_report(
    context: JobContext, notifier: Notifications
) -> None:
    class Broken(Notifications):
        async def notify_admins(self, *_: object, **__: object) -> list[tuple[int, int]]:
            raise RuntimeError("the process died")

    with pytest.raises(RuntimeError):
        await one_report(replace(context, notifier=Broken()), 1)
    await one_report(context, 1)
    assert len(notifier.messages) == 1
