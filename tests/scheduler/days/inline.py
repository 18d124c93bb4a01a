"""A migrated SQLite database in memory whose units run at once in the event loop: no thread, no waiting."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from storage.database.connection import Connection
from storage.database.sqlite_setup import SqliteConnection
from storage.database.write_queue import NotBatchable, QueuedUnit, Watch, Watched, run_all
from tests.databases import migrated_database

T = TypeVar("T")


class DatabaseGone(OSError):
    """The database can't be reached."""


class InlineDatabase:
    """`is_gone`: no process reaches it."""

    is_gone = False
    url, dialect, queued = "sqlite://", "sqlite", 0

    def __init__(self) -> None:
        self._raw = sqlite3.connect(":memory:", isolation_level=None)
        self._raw.deserialize(migrated_database())
        self._raw.execute("PRAGMA foreign_keys = ON")

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    async def write_along(self, unit: Callable[[Connection], T], most_seconds: float) -> T:
        await asyncio.sleep(most_seconds)
        return await self.submit(unit)

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        job = QueuedUnit(unit)
        try:
            self._transaction(lambda conn: run_all(conn, [job]))
        except NotBatchable:
            job.result = self._transaction(unit)
        except Exception as error:  # noqa: BLE001 - the caller gets it
            job.error = error
        job.complete()
        return job.future

    async def read(self, query: Callable[[Connection], T]) -> T:
        return query(SqliteConnection(self._raw))

    read_key = read

    async def watch(self, watched: Sequence[Watched]) -> Watch | None:  # noqa: ARG002
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._raw.close()

    def _transaction(self, unit: Callable[[Connection], Any]) -> Any:
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            result = unit(SqliteConnection(self._raw))
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        self._raw.execute("COMMIT")
        return result
