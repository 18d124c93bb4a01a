"""Alerts about this service itself: disk, database, clock, a second process that polls the bot, missed runs."""

import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from scheduler.admin_notices import tell_admins
from scheduler.context import JobContext
from scheduler.incidents import report, resolve
from scheduler.job import Job, Misfire
from scheduler.outage_facts import minutes_between
from storage.alerts import incidents
from storage.database import watermarks
from storage.database.connection import Connection
from storage.operations.backup import sqlite_path
from storage.telegram import poller_conflicts

DISK_LOW, DATABASE_SLOW = "disk_low", "database_slow"
CLOCK_WRONG, OTHER_POLLER = "clock_wrong", "other_poller"
_MINUTE = 60
SUBJECT = "farthing"
MOST_SKEW_SECONDS = 60.0
MOST_WRITE_SECONDS = 5.0
POLLER_QUIET = timedelta(minutes=3)
"""After this time without a conflict the other poller counts as gone."""
MISSED = timedelta(minutes=5)
"""A pause of the scheduler that causes an alert."""
_LAST_RUN = "self_checks_ran_at"


async def run(context: JobContext) -> None:
    now = context.clock.now()
    await _check_runs(context, now)
    await _check_database(context, now)
    await _check_disk(context, now)
    await _check_clock(context, now)
    await _check_poller(context, now)


async def _check_runs(context: JobContext, now: datetime) -> None:
    """Tell the admins once that no jobs ran for a while, so that alerts from that time come late."""
    text = await context.db.read(partial(watermarks.read, name=_LAST_RUN))
    await context.db.write(partial(watermarks.write, name=_LAST_RUN, value=now.isoformat()))
    last = datetime.fromisoformat(text) if text is not None else now
    if now - last >= MISSED:
        values = {"minutes": minutes_between(last, now), "since": last, "until": now}
        await tell_admins(context, "alert.scheduler_late", values)


async def _check_database(context: JobContext, now: datetime) -> None:
    begun = context.clock.monotonic()
    await context.db.write(_nothing)
    seconds = context.clock.monotonic() - begun
    facts = {"seconds": round(seconds)}
    await _set(context, DATABASE_SLOW, facts if seconds >= MOST_WRITE_SECONDS else None, now)


def _nothing(conn: Connection) -> None:
    """Write one small row, to measure the wait for the writer."""
    watermarks.write(conn, "write_check", "")


async def _check_disk(context: JobContext, now: datetime) -> None:
    places = [context.backup_folder]
    if context.db.dialect == "sqlite":
        places.append(sqlite_path(context.db.url).absolute().parent)
    free = min((_free_bytes(place) for place in places if place is not None and place.exists()), default=None)
    if free is not None:
        megabytes = free // 1_000_000
        facts = {"megabytes": megabytes, "least": context.disk_free_mb}
        await _set(context, DISK_LOW, facts if megabytes < context.disk_free_mb else None, now)


def _free_bytes(place: Path) -> int:
    return shutil.disk_usage(place).free


async def _check_clock(context: JobContext, now: datetime) -> None:
    skew = context.telegram.clock_skew_seconds if context.telegram is not None else None
    if skew is not None:
        facts = {"off": _off(skew)}
        await _set(context, CLOCK_WRONG, facts if abs(skew) > MOST_SKEW_SECONDS else None, now)


def _off(skew: float) -> dict[str, object]:
    """Return the words for a wrong clock: seconds below two minutes, else minutes."""
    seconds = round(abs(skew))
    if seconds < 2 * _MINUTE:
        return {"key": "alert.clock_slow" if skew > 0 else "alert.clock_fast", "values": {"seconds": seconds}}
    key = "alert.clock_slow_minutes" if skew > 0 else "alert.clock_fast_minutes"
    return {"key": key, "values": {"minutes": round(seconds / _MINUTE)}}


async def _check_poller(context: JobContext, now: datetime) -> None:
    own = context.telegram.conflict_at if context.telegram is not None else None
    told = await context.db.read(poller_conflicts.latest)
    seen = max((each for each in (own, told) if each is not None), default=None)
    if seen is not None:
        facts = {"since": seen.replace(second=0, microsecond=0)}
        await _set(context, OTHER_POLLER, facts if now - seen < POLLER_QUIET else None, now)


async def _set(context: JobContext, kind: str, facts: Mapping[str, object] | None, now: datetime) -> None:
    """Open or update the incident if there are facts, else resolve it."""
    if facts is not None:
        await report(context, kind, SUBJECT, dict(facts), now)
        return
    known = await context.db.read(partial(incidents.find_open, kind=kind, subject=SUBJECT))
    if known is not None:
        await resolve(context, kind, SUBJECT, {"minutes": minutes_between(known.opened_at, now)}, now)


JOB = Job("self_checks", "self_checks", run, Misfire.SKIP)
