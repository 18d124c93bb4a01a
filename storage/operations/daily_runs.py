"""Jobs that run once a day: the date of each last run, shared by all processes."""

from datetime import datetime, timedelta

from storage.database import watermarks
from storage.database.connection import Connection

NIGHT_HOUR = 3  # UTC, when there is little traffic


def due(conn: Connection, name: str, now: datetime) -> bool:
    """Return whether the job must run: after NIGHT_HOUR if it has not run on this UTC day, at once if never.

    A day after tomorrow was recorded by a clock that was wrong, and does not count.
    """
    last = watermarks.read(conn, f"daily:{name}")
    if last is None or last > f"{now + timedelta(days=1):%Y-%m-%d}":
        return True
    return now.hour >= NIGHT_HOUR and last < f"{now:%Y-%m-%d}"


def record(conn: Connection, name: str, now: datetime) -> None:
    """Record that the job ran on this UTC day."""
    watermarks.write(conn, f"daily:{name}", f"{now:%Y-%m-%d}")
