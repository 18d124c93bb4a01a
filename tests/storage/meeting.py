"""Two transactions on PostgreSQL that meet: one goes on only when the other waits for its lock."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from storage.connection import Connection, scalar
from storage.database import Database

T = TypeVar("T")
_WAITING = "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def meet(db: Database, first: Callable[[Connection], T], second: Callable[[Connection], T]) -> tuple[T, T]:
    """What both came to. `first` has done its work, uncommitted, when `second` begins and runs into it."""
    done, loop = asyncio.Event(), asyncio.get_running_loop()

    def unit(conn: Connection) -> T:
        result = first(conn)
        loop.call_soon_threadsafe(done.set)
        while not scalar(conn, _WAITING):
            conn.rows("SELECT pg_stat_clear_snapshot()")
        return result

    going = asyncio.ensure_future(db.write(unit))
    await done.wait()
    later = await db.write(second)
    return await going, later
