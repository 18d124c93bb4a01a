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

THREADS = 8
TRIES = 5
_SETTINGS = (
    "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
)
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
        url, row_factory=dict_row, options=_SETTINGS, keepalives=1, keepalives_idle=10, connect_timeout=10
    )


class Pool:
    """Runs units on threads. A lost connection is replaced; a deadlock or conflict runs the whole unit again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="farthing-postgres")
        self._free: queue.SimpleQueue[psycopg.Connection[dict[str, Any]]] = queue.SimpleQueue()

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
        raw = self._take()
        try:
            # psycopg begins at the first statement; commit or roll back at the end of the block.
            with raw.transaction():
                if not write:
                    raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                result = unit(PostgresConnection(raw))
        except BaseException:
            self._give_back(raw)
            raise
        self._give_back(raw)
        return result

    def _take(self) -> "psycopg.Connection[dict[str, Any]]":
        try:
            raw = self._free.get_nowait()
        except queue.Empty:
            return connect(self._url)
        return connect(self._url) if raw.closed else raw

    def _give_back(self, raw: "psycopg.Connection[dict[str, Any]]") -> None:
        if raw.closed or raw.broken:
            raw.close()
        else:
            self._free.put(raw)
