"""Two transactions on PostgreSQL that meet: the first ends only once the other waits for its lock."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from storage.database.connection import Connection, scalar
from storage.database.database import Database

T = TypeVar("T")
S = TypeVar("S")
WAITING = "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def meet(db: Database, first: Callable[[Connection], T], second: Callable[[Connection], S]) -> tuple[T, S]:
    """What both came to. Fails when `second` went past what `first` did and had not yet committed."""
    begun, ended, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def unit(conn: Connection) -> T:
        try:
            result = first(conn)
        finally:
            loop.call_soon_threadsafe(begun.set)
        while not scalar(conn, WAITING):
            assert not ended.is_set(), "the second did not wait for the first"
            conn.rows("SELECT pg_stat_clear_snapshot()")
        return result

    going = asyncio.ensure_future(db.write(unit))
    await begun.wait()
    try:
        later = await db.write(second)
    finally:
        ended.set()
    return await going, later
