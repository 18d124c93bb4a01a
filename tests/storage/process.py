"""A process that may be killed at any commit: its database does as it is told, in the test's own thread."""

import asyncio
import sqlite3
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any, Self, TypeVar, cast

import psycopg

from storage.connection import Connection
from storage.leases import Lease
from storage.ledger import SqlLedger
from storage.postgres import PostgresConnection
from storage.sqlite import SqliteConnection
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
    """ports.Ledger over one raw connection. `fate` decides the next commit; the dead write nothing more."""

    def __init__(self, raw: Raw, name: str, clock: FixedClock) -> None:
        self._raw, self.name, self.dead, self.fate = raw, name, False, Fate.LIVES
        self.url = self.dialect = ""
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
        """Done a few turns of the loop later, so that a cancellation may come in between."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        try:
            outcome = self.now(unit)
        except BaseException as error:  # noqa: BLE001 - it is the waiter's
            _later(loop, 2, waiter, error=error)
        else:
            _later(loop, 2, waiter, result=outcome)
        return waiter

    def now(self, unit: Callable[[Connection], T]) -> T:
        """One transaction, and what `fate` makes of it."""
        if self.dead:
            raise Killed
        fate, self.fate = self.fate, Fate.LIVES
        self._raw.execute("BEGIN")
        try:
            result = unit(connection(self._raw))
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        self._raw.execute("ROLLBACK" if fate is Fate.DIES_BEFORE else "COMMIT")
        if fate is not Fate.LIVES:
            self.dead = True
            raise Killed
        return result


def connection(raw: Raw) -> Connection:
    return SqliteConnection(raw) if isinstance(raw, sqlite3.Connection) else PostgresConnection(raw)


def _later(loop: asyncio.AbstractEventLoop, turns: int, waiter: "asyncio.Future[Any]", **outcome: Any) -> None:
    if turns:
        loop.call_soon(lambda: _later(loop, turns - 1, waiter, **outcome))
    elif not waiter.done():
        error = outcome.get("error")
        waiter.set_exception(error) if error is not None else waiter.set_result(outcome["result"])
