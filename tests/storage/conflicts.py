"""Two PostgreSQL transactions that conflict: the first commits only after the second waits for its lock."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from storage.database.connection import Connection, scalar
from storage.database.database import Database

T = TypeVar("T")
S = TypeVar("S")
LOCK_WAITS = "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def run_conflicting(
    db: Database, first: Callable[[Connection], T], second: Callable[[Connection], S]
) -> tuple[T, S]:
    """Return the results of both units. Fails when `second` ends before `first` has committed."""
    started, second_ended, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def unit(conn: Connection) -> T:
        try:
            result = first(conn)
        finally:
            loop.call_soon_threadsafe(started.set)
        while not scalar(conn, LOCK_WAITS):
            assert not second_ended.is_set(), "the second unit did not wait for the first"
            conn.rows("SELECT pg_stat_clear_snapshot()")
        return result

    first_result = asyncio.ensure_future(db.write(unit))
    await started.wait()
    try:
        second_result = await db.write(second)
    finally:
        second_ended.set()
    return await first_result, second_result
