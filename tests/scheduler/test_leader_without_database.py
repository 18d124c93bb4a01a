"""The leader when the database can't be written: the admins are told without it, once, and get a reply at the end."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from scheduler.context import JobContext
from scheduler.leader import Leader
from scheduler.publishing import publish
from storage.alerts import incidents
from storage.alerts.database_trouble import LEAST
from storage.database.leases import Lease
from tests.scheduler.conftest import ADMIN, HandClock, Notifications

FULL = "database or disk is full\n`and` more"


@pytest.fixture
def leader(context: JobContext) -> Leader:
    made = Leader(context, {}, Lease(context.db, context.clock))
    made._epoch = 1
    return made


async def fail_for(leader: Leader, clock: HandClock, length: timedelta) -> None:
    for _ in range(4):
        await leader._watch_database(FULL)
        clock.at += length / 3


async def test_trouble_is_told_once_and_its_end_is_a_reply(
    context: JobContext, leader: Leader, clock: HandClock, notifier: Notifications
) -> None:
    await fail_for(leader, clock, timedelta(minutes=3))
    (message,) = notifier.messages.values()
    assert "since 24 Nov 2026, 12:00 UTC: `database or disk is full`" in message.text
    assert "`python -m main doctor`" in message.text
    for _ in range(2):
        await leader._watch_database("")
        await publish(context, clock.now())
    _, reply = notifier.messages.values()
    assert (reply.reply_to, reply.text) == ((ADMIN, 1), "🟢 The database can be written again, after 4 min.")
    (stored,) = await context.db.read(lambda conn: incidents.opened_in(conn, clock.at - timedelta(hours=1), clock.at))
    assert (stored.kind, stored.closed_at) == ("database_gone", clock.at)


async def test_short_trouble_is_not_told(leader: Leader, clock: HandClock, notifier: Notifications) -> None:
    await fail_for(leader, clock, LEAST * 0.9)
    await leader._watch_database("")
    await fail_for(leader, clock, LEAST * 0.9)
    assert notifier.texts == []


async def test_trouble_while_telegram_is_away_too_is_told_in_the_past_tense(
    context: JobContext, leader: Leader, clock: HandClock, notifier: Notifications
) -> None:
    notifier.is_offline = True
    await fail_for(leader, clock, timedelta(minutes=3))
    notifier.is_offline = False
    await leader._watch_database("")
    await publish(context, clock.now())
    (text,) = notifier.texts
    assert "could not be written from" in text
    assert "database or disk is full" in text


async def test_admin_who_was_not_reached_is_told_later_and_the_other_not_again(
    context: JobContext, clock: HandClock
) -> None:
    both = Notifications(admins=(ADMIN, ADMIN + 1), is_offline=True)
    leader = Leader(replace(context, notifier=both), {}, Lease(context.db, context.clock))
    leader._epoch = 1
    await fail_for(leader, clock, timedelta(minutes=1))
    both.is_offline = False
    await fail_for(leader, clock, timedelta(minutes=1))
    assert [admin for admin, _ in both.messages] == [ADMIN, ADMIN + 1]


async def test_process_that_does_not_lead_says_nothing(
    leader: Leader, clock: HandClock, notifier: Notifications
) -> None:
    leader._epoch = None
    await fail_for(leader, clock, timedelta(minutes=3))
    leader._epoch = 2  # it takes over as soon as it can write, before its lease is renewed
    await fail_for(leader, clock, LEAST * 0.9)
    assert notifier.texts == []


async def test_failed_renewal_of_the_lease_is_such_trouble(context: JobContext) -> None:
    async def full() -> None:
        raise OSError("database or disk is full")

    lease = Lease(context.db, context.clock, lease_seconds=0.01)
    async with lease:
        lease.renew = lambda *_: full()  # type: ignore[method-assign]
        while not lease.failure:
            await asyncio.sleep(0.002)
        assert lease.failure == "database or disk is full"
        del lease.renew
        while lease.failure:
            await asyncio.sleep(0.002)
