"""Due times: restarts, missed runs, and days of 23 and 25 hours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduler.job import Job, Misfire
from scheduler.run_times import first_due, latest_daily, next_due
from storage.operations.job_runs import JobRun

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = 3600.0


async def run(_: Any) -> None: ...


def last_run(minutes_ago: float, *, finished: bool = True) -> JobRun:
    due_at = NOW - timedelta(minutes=minutes_ago)
    return JobRun("j", due_at, due_at, due_at if finished else None, 0, 0, 1, 0, "")


@pytest.mark.parametrize(
    ("misfire", "last", "minutes"),
    [
        (Misfire.ONCE, None, 0),  # a new service
        (Misfire.ONCE, last_run(20), 40),  # after a restart no job runs early
        (Misfire.ONCE, last_run(180), -120),  # missed twice: due at once
        (Misfire.ONCE, last_run(20, finished=False), 0),  # its process died during it
        (Misfire.ONCE, last_run(-90), 60),  # the clock was set back meanwhile
        (Misfire.SKIP, last_run(20), 0),
    ],
)
def test_first_run_follows_the_last_one(misfire: Misfire, last: JobRun | None, minutes: float) -> None:
    assert first_due(Job("j", "x", run, misfire), HOUR, last, NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(("late_minutes", "next_minutes"), [(0, 60), (1, 60), (59, 60), (60, 120), (150, 180)])
def test_missed_runs_count_as_one_and_the_grid_stays(late_minutes: float, next_minutes: float) -> None:
    assert next_due(NOW, HOUR, NOW + timedelta(minutes=late_minutes)) == NOW + timedelta(minutes=next_minutes)


@pytest.mark.parametrize(
    ("zone", "hour", "now", "expected"),
    [
        ("UTC", 7, "2026-11-24T06:59", "2026-11-23T07:00"),
        ("UTC", 7, "2026-11-24T07:00", "2026-11-24T07:00"),
        ("Asia/Ho_Chi_Minh", 7, "2026-11-24T00:00", "2026-11-24T00:00"),
        ("America/Los_Angeles", 22, "2026-11-24T05:59", "2026-11-23T06:00"),
        # Berlin: 02:00 does not exist on 29 March; its clocks go from 02:00 to 03:00 at 01:00 UTC.
        ("Europe/Berlin", 2, "2026-03-29T12:00", "2026-03-29T01:00"),
        ("Europe/Berlin", 2, "2026-03-29T00:59", "2026-03-28T01:00"),
        ("Europe/Berlin", 3, "2026-03-29T12:00", "2026-03-29T01:00"),
        # 02:00 comes twice on 25 October: at 00:00 and at 01:00 UTC.
        ("Europe/Berlin", 2, "2026-10-25T00:30", "2026-10-25T00:00"),
        ("Europe/Berlin", 2, "2026-10-25T01:30", "2026-10-25T00:00"),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", 7, "2011-12-30T18:00", "2011-12-30T17:00"),
    ],
)
def test_hour_of_a_day_comes_once_a_day(zone: str, hour: int, now: str, expected: str) -> None:
    at = datetime.fromisoformat(f"{now}+00:00")
    assert latest_daily(at, hour, ZoneInfo(zone)) == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize("hour", [0, 1, 2, 3, 23])
def test_a_year_has_one_run_for_each_day(zone: str, hour: int) -> None:
    at, runs = datetime(2026, 1, 1, 12, tzinfo=UTC), set()
    for _ in range(365 * 24):
        runs.add(latest_daily(at, hour, ZoneInfo(zone)))
        at += timedelta(hours=1)
    assert 365 <= len(runs) <= 366
