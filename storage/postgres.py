"""PostgreSQL: the same units on a few threads, each with a connection of its own."""

import asyncio
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from storage.connection import Connection, Row, to_percent

THREADS = 16
TRIES = 5
_SETTINGS = "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
_WRITE = b"BEGIN"
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)

Unit = Callable[[Connection], Any]


class PostgresConnection:
    """A unit's view of one psycopg connection."""

    dialect = "postgresql"

    def __init__(self, raw: "psycopg.Connection[dict[str, Any]]") -> None:
        self.raw = raw

    def rows(self, sql: str, **values: Any) -> list[Row]:
        cursor = self.raw.execute(to_percent(sql).encode(), values)
        return list(cursor.fetchall()) if cursor.description else []

    def run(self, sql: str, **values: Any) -> int:
        return self.raw.execute(to_percent(sql).encode(), values).rowcount


def connect(url: str) -> "psycopg.Connection[dict[str, Any]]":
    return psycopg.connect(
        url,
        autocommit=True,  # BEGIN and COMMIT are the pool's own words
        row_factory=dict_row,
        options=_SETTINGS,
        keepalives=1,
        keepalives_idle=10,
        connect_timeout=10,
    )


class Pool:
    """Runs units on threads. A deadlock or conflict runs the whole unit again.

    A connection that turns out to be lost before the unit began is replaced unseen; after that nobody knows
    what stands, and the caller hears of it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="farthing-postgres")
        self._free: queue.LifoQueue[psycopg.Connection[dict[str, Any]]] = queue.LifoQueue()

    async def run(self, unit: Unit, *, write: bool) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, unit, write)

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        while not self._free.empty():
            self._free.get().close()

    def _run(self, unit: Unit, write: bool) -> Any:
        for attempt in range(TRIES):
            try:
                return self._once(unit, write)
            except _AGAIN:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _once(self, unit: Unit, write: bool) -> Any:
        raw = self._begin(_WRITE if write else _READ)
        try:
            result = unit(PostgresConnection(raw))
            raw.execute("COMMIT")
        except BaseException:
            self._give_up(raw)
            raise
        self._free.put(raw)
        return result

    def _begin(self, begin: bytes) -> "psycopg.Connection[dict[str, Any]]":
        """A connection inside a transaction."""
        while True:
            try:
                raw = self._free.get_nowait()
            except queue.Empty:
                raw = connect(self._url)
                raw.execute(begin)
                return raw
            try:
                raw.execute(begin)
            except psycopg.OperationalError:  # it was lost while it rested
                raw.close()
            else:
                return raw

    def _give_up(self, raw: "psycopg.Connection[dict[str, Any]]") -> None:
        """Undo; a connection that can't is thrown away, and the server undoes."""
        try:
            raw.execute("ROLLBACK")
        except psycopg.Error:
            raw.close()
        else:
            self._free.put(raw)
