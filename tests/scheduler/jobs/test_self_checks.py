"""Alerts about this service itself."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scheduler.context import JobContext
from scheduler.jobs import self_checks
from scheduler.publishing import publish
from storage.telegram import poller_conflicts
from tests.scheduler.conftest import HandClock, Notifications


@dataclass
class Facts:
    clock_skew_seconds: float | None = None
    conflict_at: datetime | None = None


async def check(context: JobContext) -> None:
    await self_checks.run(context)
    await publish(context, context.clock.now())


async def test_healthy_service_says_nothing(context: JobContext, clock: HandClock, notifier: Notifications) -> None:
    context = replace(context, telegram=Facts(59.9))
    for _ in range(3):
        await check(context)
        clock.move(minutes=1)
    assert notifier.texts == []


@pytest.mark.parametrize(
    ("skew", "said"), [(61.0, "61 s slow"), (-119.0, "119 s fast"), (-10_801.0, "180 min fast"), (200.0, "3 min slow")]
)
async def test_wrong_clock_is_reported_until_it_is_right(
    context: JobContext, clock: HandClock, notifier: Notifications, skew: float, said: str
) -> None:
    facts = Facts(skew)
    context = replace(context, telegram=facts)
    await check(context)
    assert said in notifier.texts[0]
    clock.move(minutes=2)
    facts.clock_skew_seconds = 0.4
    await check(context)
    assert notifier.texts[1] == "🟢 This machine's clock is right again, after 2 min."


async def test_another_poller_is_reported_until_it_is_quiet(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    context = replace(context, telegram=Facts(conflict_at=clock.at))
    await check(context)
    assert notifier.texts[0].startswith("👯 Another process polls this bot (seen at 12:00 UTC)")
    clock.at += self_checks.POLLER_QUIET
    await check(context)
    assert "No other process polls this bot any more, after 3 min" in notifier.texts[1]


async def test_conflict_that_another_process_of_ours_has_seen_is_told(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await context.db.write(lambda conn: poller_conflicts.note(conn, clock.at))
    await check(context)
    assert notifier.texts[0].startswith("👯 Another process polls this bot (seen at 12:00 UTC)")


async def test_disk_is_reported_until_it_has_space(
    context: JobContext, notifier: Notifications, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {tmp_path: 499_999_999}
    monkeypatch.setattr(self_checks, "_free_bytes", lambda place: free.get(place, 10**12))
    context = replace(context, backup_folder=tmp_path)
    await check(context)
    assert notifier.texts[0].startswith(
        "💾 The disk is nearly full: 499 MB are free; you asked to be told below 500 MB."
    )
    free[tmp_path] = 500_000_000
    await check(context)
    assert len(notifier.texts) == 2


async def test_real_disk_is_measured(context: JobContext, notifier: Notifications, tmp_path: Path) -> None:
    await check(replace(context, backup_folder=tmp_path, disk_free_mb=10**12))
    assert notifier.texts[0].startswith("💾")


async def test_slow_write_is_told(context: JobContext, notifier: Notifications) -> None:
    class Slow(HandClock):
        def monotonic(self) -> float:
            self.move(seconds=5)
            return super().monotonic()

    await check(replace(context, clock=Slow()))
    assert "a small write took 5 s" in notifier.texts[0]


@pytest.mark.parametrize(("pause", "count"), [(timedelta(minutes=5), 1), (timedelta(minutes=4, seconds=59), 0)])
async def test_pause_of_the_scheduler_is_reported_once(
    context: JobContext, clock: HandClock, notifier: Notifications, pause: timedelta, count: int
) -> None:
    await check(context)
    clock.at += pause
    for _ in range(2):
        await check(context)
    assert [text[:41] for text in notifier.texts] == ["⏰ No jobs ran for 5 min, from 24 Nov 2026"] * count
