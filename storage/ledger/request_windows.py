"""Requests per minute counted in PostgreSQL for all processes together: exact, one statement per window."""

from collections.abc import Sequence

from engine.ports import CountedWindow, FullWindow, RequestWindow
from storage.database.connection import Connection, scalar
from storage.database.database import Database

WINDOW_MS = 60_000
_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
_RECENT = f"ARRAY(SELECT each FROM unnest(w.times) AS each WHERE each > {_NOW} - {WINDOW_MS} ORDER BY each)"
_COUNT = (
    f"INSERT INTO request_windows AS w (kind, subject, times) VALUES (:kind, :subject, ARRAY[{_NOW}])"
    f" ON CONFLICT (kind, subject) DO UPDATE SET times = {_RECENT} || {_NOW} WHERE cardinality({_RECENT}) < :limit"
    f" RETURNING times, {_NOW} AS now"
)
_FULL = f"SELECT {_RECENT} AS times, {_NOW} AS now FROM request_windows AS w WHERE kind = :kind AND subject = :subject"


class SqlRequestWindows:
    """Counts a request in all its windows or in none."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def count(self, windows: Sequence[RequestWindow]) -> list[CountedWindow]:
        """Count one request in every window. If one is full, raises FullWindow and counts nothing."""
        return await self._db.write(lambda conn: [_count(conn, window) for window in windows])


def _count(conn: Connection, window: RequestWindow) -> CountedWindow:
    values = {"kind": window.kind, "subject": window.subject}
    counted = conn.rows(_COUNT, limit=window.limit, **values)
    found = counted or conn.rows(_FULL, **values)
    ages = [(found[0]["now"] - each) / 1000 for each in found[0]["times"]]
    if not counted:
        raise FullWindow(CountedWindow(window, tuple(ages)))
    return CountedWindow(window, tuple(ages))


def sweep(conn: Connection, limit: int = 1000) -> int:
    """Delete up to `limit` windows without a request in the last hour, and return their number."""
    if conn.dialect != "postgresql":
        return 0
    return int(
        scalar(
            conn,
            "WITH idle AS (DELETE FROM request_windows WHERE (kind, subject) IN"
            " (SELECT kind, subject FROM request_windows"
            f" WHERE times[cardinality(times)] < {_NOW} - 3600000 LIMIT :n) RETURNING 1) SELECT count(*) FROM idle",
            n=limit,
        )
    )
