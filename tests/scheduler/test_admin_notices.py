"""Notices to admins: stored before they are sent, and tried again until each admin has received them."""

from dataclasses import replace

import pytest

from scheduler.admin_notices import deliver, tell_admins, tell_admins_once
from scheduler.context import JobContext
from storage.alerts.admin_notices import FIRST_PAUSE, KEPT
from tests.scheduler.conftest import HandClock, Notifications

KEY, VALUES = "alert.backup", {"error": "disk full"}


async def later(context: JobContext, clock: HandClock, seconds: float) -> None:
    clock.move(seconds=seconds)
    await deliver(context.db, context.notifier, context.clock)


async def test_notice_is_sent_to_every_admin_at_once(context: JobContext) -> None:
    notifier = Notifications(admins=(1, 2))
    await tell_admins(replace(context, notifier=notifier), KEY, VALUES)
    assert [chat for chat, _ in notifier.messages] == [1, 2]
    assert "disk full" in notifier.texts[0]


async def test_notice_under_one_key_is_sent_once(context: JobContext, notifier: Notifications) -> None:
    for _ in range(2):
        await tell_admins_once(context, "today", KEY, VALUES)
    await tell_admins_once(context, "tomorrow", KEY, VALUES)
    assert len(notifier.texts) == 2


async def test_notice_is_tried_again_with_growing_pauses(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    notifier.is_offline = True
    await tell_admins_once(context, "today", KEY, VALUES)
    await later(context, clock, FIRST_PAUSE.total_seconds())
    notifier.is_offline = False
    await later(context, clock, FIRST_PAUSE.total_seconds())
    assert notifier.texts == []
    await later(context, clock, FIRST_PAUSE.total_seconds())
    await later(context, clock, 1000)
    assert len(notifier.texts) == 1


async def test_notice_that_nobody_can_get_is_given_up_with_a_log_line(
    context: JobContext, clock: HandClock, notifier: Notifications, caplog: pytest.LogCaptureFixture
) -> None:
    notifier.is_offline = True
    await tell_admins(context, KEY, VALUES)
    await later(context, clock, KEPT.total_seconds())
    assert "given up" in caplog.text
    notifier.is_offline = False
    await later(context, clock, 1000)
    assert notifier.texts == []
