"""Delivery of stored notices to tenants."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from scheduler.context import JobContext
from scheduler.fenced_database import FencedDatabase
from scheduler.jobs import tenant_notices
from scheduler.team_notices import to_tenant
from storage.alerts import tenant_notices as stored
from storage.alerts.admin_notices import CLAIM, FIRST_PAUSE, KEPT
from storage.operations.leaders import LeadershipLost
from tests.scheduler.conftest import HandClock, Notifications

LAPSED: dict[str, object] = {"plan": "pro"}


async def queue(context: JobContext, users: int) -> None:
    notices = [to_tenant(user, ("alert.lapsed", LAPSED, ())) for user in range(1, users + 1)]
    await context.db.write(partial(stored.queue, found=notices, now=context.clock.now()))


async def waiting(context: JobContext) -> int:
    return (await context.db.read(stored.waiting))[0]


def told(notifier: Notifications) -> list[int]:
    return [user for user, _ in notifier.messages]


async def test_each_notice_is_delivered_once(context: JobContext, notifier: Notifications) -> None:
    users = 2 * tenant_notices.CHUNK + 1
    await queue(context, users)
    for _ in range(2):
        await tenant_notices.run(context)
    assert sorted(told(notifier)) == list(range(1, users + 1))
    assert await waiting(context) == 0


async def test_notices_wait_until_telegram_is_reached(
    context: JobContext, notifier: Notifications, clock: HandClock
) -> None:
    users = 2 * tenant_notices.CHUNK
    await queue(context, users)
    notifier.is_offline = True
    await tenant_notices.run(context)
    assert await waiting(context) == users
    notifier.is_offline = False
    clock.at += FIRST_PAUSE
    await tenant_notices.run(context)
    assert sorted(told(notifier)) == list(range(1, users + 1))


async def test_notice_is_given_up_after_a_day(
    context: JobContext, notifier: Notifications, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    await queue(context, 1)
    clock.at += KEPT
    notifier.is_offline = True
    await tenant_notices.run(context)
    assert await waiting(context) == 0
    assert "given up" in caplog.text


async def test_stopped_process_leaves_the_rest_to_the_next(context: JobContext, notifier: Notifications) -> None:
    await queue(context, 1)
    context.stopping.set()
    await tenant_notices.run(context)
    assert notifier.texts == []
    await tenant_notices.run(replace(context, stopping=asyncio.Event()))
    assert told(notifier) == [1]


async def test_notice_of_a_process_that_died_is_told_by_the_next(
    context: JobContext, notifier: Notifications, clock: HandClock
) -> None:
    await queue(context, 1)
    await context.db.write(partial(stored.claim, now=clock.now(), most=8))
    await tenant_notices.run(context)
    assert notifier.texts == []
    clock.at += CLAIM
    await tenant_notices.run(context)
    assert told(notifier) == [1]


async def test_process_that_no_longer_leads_sends_nothing(context: JobContext, notifier: Notifications) -> None:

    await queue(context, 1)
    deposed = replace(context, db=FencedDatabase(context.db, "clock", "L", 1))
    with pytest.raises(LeadershipLost):
        await tenant_notices.run(deposed)
    assert notifier.texts == []


async def test_notice_that_cannot_be_worded_does_not_keep_the_others_waiting(
    context: JobContext, notifier: Notifications, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A newer release may have stored it."""
    unknown = to_tenant(1, ("alert.of_a_newer_release", {}, ()))
    await context.db.write(partial(stored.queue, found=[unknown], now=clock.now()))
    await queue(context, 2 * tenant_notices.CHUNK)
    await tenant_notices.run(context)
    assert len(told(notifier)) == 2 * tenant_notices.CHUNK
    assert await waiting(context) == 1
    clock.at += KEPT
    await tenant_notices.run(context)
    assert await waiting(context) == 0
    assert "given up" in caplog.text
