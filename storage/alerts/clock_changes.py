"""Stored times of alerts that are in the future because the clock was set back: they become the present.

Otherwise an outage could not end, and no message be tried again, until the clock shows those times once more.
"""

from datetime import datetime, timedelta

from storage.alerts.admin_notices import CLAIM, LONGEST_PAUSE
from storage.alerts.tenant_notices import LONGEST_PAUSE as LONGEST_TENANT_PAUSE
from storage.database.connection import Connection, ms, scalar

MOST_SKEW = timedelta(minutes=1)
"""A stored time is in the future from this difference on; clocks of replicas may differ by less."""
MUTED = timedelta(hours=1)
_LATEST = {
    ("incidents", "opened_at"): MOST_SKEW,
    ("incidents", "seen_at"): MOST_SKEW,
    ("incidents", "closed_at"): MOST_SKEW,
    ("incidents", "muted_until"): MUTED + MOST_SKEW,
    ("alert_messages", "next_at"): LONGEST_PAUSE + CLAIM + MOST_SKEW,
    ("admin_notices", "next_at"): LONGEST_PAUSE + CLAIM + MOST_SKEW,
    ("tenant_notices", "next_at"): LONGEST_TENANT_PAUSE + CLAIM + MOST_SKEW,
}
"""The most that each time can be after the present."""


def are_ahead(conn: Connection, now: datetime) -> bool:
    """Return whether a stored time is in the future."""
    return any(
        scalar(conn, f"SELECT 1 AS one FROM {table} WHERE {column} > :latest LIMIT 1", latest=ms(now + most))
        for (table, column), most in _LATEST.items()
    )


def pull_back(conn: Connection, now: datetime) -> None:
    """Replace the times in the future by the present; a mute ends after the usual time."""
    for (table, column), most in _LATEST.items():
        conn.run(
            f"UPDATE {table} SET {column} = :now WHERE {column} > :latest",
            now=ms(now + MUTED if column == "muted_until" else now),
            latest=ms(now + most),
        )
