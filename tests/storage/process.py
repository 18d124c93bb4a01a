"""A simulated process that can be killed at any commit; its database runs in the test's own thread."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from enum import Enum
from types import SimpleNamespace
from typing import Any, Self, TypeVar, cast

import psycopg

from storage.database.connection import Connection
from storage.database.leases import Lease
from storage.database.postgres import PostgresConnection
from storage.database.sqlite_setup import SqliteConnection
from storage.database.write_queue import QueuedUnit, Unit, Watch, Watched, run_all
from storage.ledger.ledger import SqlLedger
from tests.storage.books import RATES, FixedClock

T = TypeVar("T")
Raw = sqlite3.Connection | psycopg.Connection[Any]


class Fate(Enum):
    """The result of a process's next commit."""

    LIVES = "lives"
    DIES_BEFORE = "killed before the commit"
    DIES_AFTER = "killed after the commit, before the result arrives"


class Killed(BaseException):
    """Raised to callers in a killed process."""


class Process:
    """A process with a SqlLedger over one raw connection. `fate` decides the next commit.

    A dead process writes nothing. `committed`: the committed units, in order.
    """

    def __init__(self, raw: Raw, name: str, clock: FixedClock) -> None:
        self._raw, self.name, self.dead, self.fate = raw, name, False, Fate.LIVES
        self.url = self.dialect = ""
        self.queued = 0
        self._died_after_commit = False
        self.committed: list[Unit] = []
        self._waiting: list[QueuedUnit] = []
        lease = cast(Lease, SimpleNamespace(id=name))
        self.ledger = SqlLedger(self, lease, clock, RATES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do not close the connection, which belongs to the test."""

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    async def write_along(self, unit: Callable[[Connection], T], most_seconds: float) -> T:  # noqa: ARG002
        return await self.submit(unit)

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self.submit(query)

    async def read_key(self, query: Callable[[Connection], T]) -> T:
        return await self.read(query)

    async def watch(self, watched: Sequence[Watched]) -> Watch | None:  # noqa: ARG002 - others write too
        return None

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        """Run the unit one turn of the event loop later and complete it one more turn later, so that a cancellation can
        arrive in between."""
        job = QueuedUnit(unit)
        self._waiting.append(job)
        if len(self._waiting) == 1:
            job.loop.call_soon(self._serve)
        return job.future

    def _serve(self) -> None:
        """Run all waiting units in one transaction, as the database threads do; one by one if that fails."""
        batch, self._waiting = self._waiting, []
        try:
            self.run_now(lambda conn: run_all(conn, batch))
        except Killed as error:
            self._fail_all(batch, error)
        except Exception:  # noqa: BLE001 - running one by one raises it again
            self._one_by_one(batch)
        else:
            self.committed += [job.unit for job in batch]
        for job in batch:
            job.loop.call_soon(job.complete)

    def _fail_all(self, batch: list[QueuedUnit], error: Killed) -> None:
        if self._died_after_commit:
            self.committed += [job.unit for job in batch]
        for job in batch:
            job.error = error

    def _one_by_one(self, batch: list[QueuedUnit]) -> None:
        for job in batch:
            job.result, was_dead = None, self.dead
            try:
                job.result = self.run_now(job.unit)
            except BaseException as error:  # noqa: BLE001 - it belongs to the unit's caller
                job.error = error
            if job.error is None or (self._died_after_commit and not was_dead):
                self.committed.append(job.unit)

    def run_now(self, unit: Callable[[Connection], T]) -> T:
        """Run one transaction; `fate` decides whether it commits and whether the process dies. Raises Killed."""
        if self.dead:
            raise Killed
        self._raw.execute("BEGIN")
        try:
            result = unit(connection(self._raw))
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        fate, self.fate = self.fate, Fate.LIVES
        self._raw.execute("ROLLBACK" if fate is Fate.DIES_BEFORE else "COMMIT")
        if fate is not Fate.LIVES:
            self.dead, self._died_after_commit = True, fate is Fate.DIES_AFTER
            raise Killed
        return result


def connection(raw: Raw) -> Connection:
    return SqliteConnection(raw) if isinstance(raw, sqlite3.Connection) else PostgresConnection(raw)
