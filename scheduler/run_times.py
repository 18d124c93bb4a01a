"""Times at which a job is due: after its last run, or at an hour of an operator's day. `now` is passed in."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.job import Job, Misfire
from storage.operations.job_runs import JobRun
from storage.schedules.recurrence import MINUTES_PER_HOUR, moment_of


def first_due(job: Job, seconds: float, last: JobRun | None, now: datetime) -> datetime:
    """Return when a job is due in a process that begins to lead at `now`; a moment in the past is due at once.

    A run that was interrupted is due again.
    """
    if job.misfire is Misfire.SKIP or last is None or last.finished_at is None:
        return now
    return min(last.due_at, now) + timedelta(seconds=seconds)


def next_due(due_at: datetime, seconds: float, now: datetime) -> datetime:
    """Return the first multiple of the interval after `now`: missed runs count as one."""
    missed = max(0, int((now - due_at).total_seconds() // seconds))
    return due_at + timedelta(seconds=seconds * (missed + 1))


def latest_daily(now: datetime, hour: int, zone: ZoneInfo) -> datetime:
    """Return the latest moment, in UTC, when the clocks of `zone` showed `hour` o'clock.

    An hour that occurs twice counts the first time. On a day that skips it, the first moment after the gap counts.
    """
    day = now.astimezone(zone).date()
    while (found := moment_of(day, hour * MINUTES_PER_HOUR, zone)) > now:
        day -= timedelta(days=1)
    return found
