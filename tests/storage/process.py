"""A process that may be killed at any commit: its database does as it is told, in the test's own thread."""

import asyncio
import sqlite3
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any, Self, TypeVar, cast

import psycopg

from storage.database.connection import Connection
from storage.database.leases import Lease
from storage.database.postgres import PostgresConnection
from storage.database.sqlite import SqliteConnection
from storage.database.write_queue import QueuedUnit, Unit, run_all
from storage.ledger.ledger import SqlLedger
from tests.storage.books import RATES, FixedClock

T = TypeVar("T")
Raw = sqlite3.Connection | psycopg.Connection[Any]


class Fate(Enum):
    """What becomes of the process at its next commit."""

    LIVES = "it lives"
    DIES_BEFORE = "it dies before the commit"
    DIES_AFTER = "it dies after the commit, before it hears of it"


class Killed(BaseException):
    """The process is no more."""


class Process:
    """ports.Ledger over one raw connection. `fate` decides the next commit; the dead write nothing more.

    `stood`: the units whose commit stands, in order.
    """

    def __init__(self, raw: Raw, name: str, clock: FixedClock) -> None:
        self._raw, self.name, self.dead, self.fate = raw, name, False, Fate.LIVES
        self.url = self.dialect = ""
        self.hears_nothing = False
        self.stood: list[Unit] = []
        self._waiting: list[QueuedUnit] = []
        lease = cast(Lease, SimpleNamespace(id=name))
        self.ledger = SqlLedger(self, lease, clock, RATES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close: the connection is the test's."""

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self.submit(query)

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        """Done a turn of the loop later and told another turn later, so that a cancellation may come in between."""
        job = QueuedUnit(unit)
        self._waiting.append(job)
        if len(self._waiting) == 1:
            job.loop.call_soon(self._serve)
        return job.future

    def _serve(self) -> None:
        """As the writers do: all that waits at once; where that can't be, one by one."""
        batch, self._waiting = self._waiting, []
        try:
            self.now(lambda conn: run_all(conn, batch))
        except Killed as error:
            self._all_are_told(batch, error)
        except Exception:  # noqa: BLE001 - found again, and kept, one by one
            self._one_by_one(batch)
        else:
            self.stood += [job.unit for job in batch]
        for job in batch:
            job.loop.call_soon(job.complete)

    def _all_are_told(self, batch: list[QueuedUnit], error: Killed) -> None:
        if self.hears_nothing:
            self.stood += [job.unit for job in batch]
        for job in batch:
            job.error = error

    def _one_by_one(self, batch: list[QueuedUnit]) -> None:
        for job in batch:
            job.result, was_dead = None, self.dead
            try:
                job.result = self.now(job.unit)
            except BaseException as error:  # noqa: BLE001 - it is the waiter's
                job.error = error
            if job.error is None or (self.hears_nothing and not was_dead):
                self.stood.append(job.unit)

    def now(self, unit: Callable[[Connection], T]) -> T:
        """One transaction, and what `fate` makes of it."""
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
            self.dead, self.hears_nothing = True, fate is Fate.DIES_AFTER
            raise Killed
        return result


def connection(raw: Raw) -> Connection:
    return SqliteConnection(raw) if isinstance(raw, sqlite3.Connection) else PostgresConnection(raw)
