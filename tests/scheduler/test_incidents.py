"""The state of one incident, from its opening to its recovery."""

from datetime import timedelta

import pytest

from scheduler.context import JobContext
from scheduler.incidents import RECOVERY, close_silently, report, resolve
from storage.alerts import incidents
from storage.alerts.incidents import Incident
from tests.scheduler.conftest import NOW as NOON
from tests.scheduler.conftest import HandClock

KIND, SUBJECT = "everything_down", "all"
HOUR = timedelta(hours=1)


async def one_report(context: JobContext, count: int, **facts: object) -> None:
    await report(context, KIND, SUBJECT, {"count": count, **facts}, context.clock.now())


async def recover(context: JobContext) -> None:
    await resolve(context, KIND, SUBJECT, {"minutes": 3}, context.clock.now())


async def all_of(context: JobContext) -> list[Incident]:
    return await context.db.read(lambda conn: incidents.to_publish(conn, context.clock.now() - timedelta(days=9)))


async def test_report_opens_and_then_updates_one_incident(context: JobContext, clock: HandClock) -> None:
    await one_report(context, 1)
    opened = clock.at
    for count in (1, 2):
        clock.move(seconds=9)
        await one_report(context, count)
    (known,) = await all_of(context)
    assert (known.facts, known.opened_at, known.seen_at) == ({"count": 2}, opened, clock.at)


async def test_first_facts_are_kept(context: JobContext) -> None:
    await one_report(context, 1, since=NOON, share=70)
    await one_report(context, 2, since=NOON + HOUR, share=3)
    (known,) = await all_of(context)
    assert known.facts == {"count": 2, "since": NOON, "share": 70}


async def test_recovery_closes_the_incident_once(context: JobContext, clock: HandClock) -> None:
    await one_report(context, 1)
    await recover(context)
    closed = clock.at
    clock.move(seconds=5)
    await recover(context)
    (known,) = await all_of(context)
    assert (known.closed_at, known.facts[RECOVERY]) == (closed, {"minutes": 3})


async def test_recovery_without_an_incident_changes_nothing(context: JobContext) -> None:
    await recover(context)
    assert await all_of(context) == []


@pytest.mark.parametrize(("seconds", "count"), [(600, 1), (600.001, 2)])
async def test_incident_is_reopened_within_reopen_seconds(
    context: JobContext, clock: HandClock, seconds: float, count: int
) -> None:
    await one_report(context, 1)
    await recover(context)
    clock.move(seconds=seconds)
    await one_report(context, 2)
    assert len(await all_of(context)) == count


async def test_reopened_incident_counts_its_returns_and_loses_its_recovery(context: JobContext) -> None:
    for count in range(3):
        await one_report(context, count, since=NOON + count * HOUR)
        await recover(context)
    await one_report(context, 9)
    (known,) = await all_of(context)
    assert known.facts == {"count": 9, "since": NOON, "returned": 3}


async def test_silent_close_leaves_no_recovery(context: JobContext) -> None:
    await one_report(context, 1)
    for _ in range(2):
        await close_silently(context, KIND, SUBJECT, context.clock.now())
    (known,) = await all_of(context)
    assert known.closed_at is not None
    assert RECOVERY not in known.facts
