"""When a job is due: after its last run, or at an hour of an operator's day. The time is passed in."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.job import Job, Misfire
from storage.operations.job_runs import JobRun


def first_due(job: Job, seconds: float, last: JobRun | None, now: datetime) -> datetime:
    """Return when a job is due in a process that begins to lead at `now`; a moment in the past is due at once.

    A run that its process did not end is due again.
    """
    if job.misfire is Misfire.SKIP or last is None or last.finished_at is None:
        return now
    return min(last.due_at, now) + timedelta(seconds=seconds)


def next_due(due_at: datetime, seconds: float, now: datetime) -> datetime:
    """Return the first moment of the job's grid after `now`: the missed ones count as one run."""
    missed = max(0, int((now - due_at).total_seconds() // seconds))
    return due_at + timedelta(seconds=seconds * (missed + 1))


def latest_daily(now: datetime, hour: int, zone: ZoneInfo) -> datetime:
    """Return the latest moment, in UTC, at which the clocks of `zone` came to `hour` o'clock.

    An hour that comes twice counts the first time. On a day that skips it, the first moment after the gap counts.
    """
    day = now.astimezone(zone).date()
    while (found := _moment(day.year, day.month, day.day, hour, zone)) > now:
        day -= timedelta(days=1)
    return found


def _moment(year: int, month: int, day: int, hour: int, zone: ZoneInfo) -> datetime:
    local = datetime(year, month, day, hour, tzinfo=zone)  # fold 0: the first of two
    found = local.astimezone(UTC)
    back = found.astimezone(zone)
    if back.replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    # In a gap, fold 0 and 1 are read with the offsets before and after it: the gap ends between them.
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    return _end_of_gap(local.replace(fold=1).astimezone(UTC), found, zone)


def _end_of_gap(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment in (low, high] with another offset than at `low`, to the minute."""
    offset = low.astimezone(zone).utcoffset()
    moment = low
    while moment.astimezone(zone).utcoffset() == offset and moment < high:
        moment += timedelta(minutes=1)
    return moment
