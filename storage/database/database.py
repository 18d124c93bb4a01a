"""Database: the port through which units of work are committed and queries run, and its factory."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

from storage.database.connection import Connection
from storage.database.sqlite import SqliteDatabase
from storage.database.write_queue import Watch, Watched
from storage.migrations import head

T = TypeVar("T")


class Database(Protocol):
    """Runs units of work. A unit is a plain function of a Connection: it never awaits and never commits.

    Enter it to connect.
    """

    @property
    def url(self) -> str: ...
    @property
    def dialect(self) -> str: ...
    @property
    def queued(self) -> int:
        """The number of units that wait for a thread of this process."""
        ...

    async def write(self, unit: Callable[[Connection], T]) -> T:
        """Run `unit` in a transaction and return once it is durable. An exception of the unit rolls it back."""
        ...

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        """Start `write` at once and return its future. Cancelling the waiter takes effect after the commit."""
        ...

    async def write_along(self, unit: Callable[[Connection], T], most_seconds: float) -> T:
        """Do `write`, but let `unit` wait up to `most_seconds` for another unit, to share its commit if possible.

        Cancelling the waiter takes effect at once; `unit` is run nevertheless.
        """
        ...

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run `query` on one consistent snapshot; writing fails."""
        ...

    async def read_key(self, query: Callable[[Connection], T]) -> T:
        """Run a query that takes microseconds, such as the look-up of a few rows by their keys, as `read` does."""
        ...

    async def watch(self, watched: Sequence[Watched]) -> Watch | None:
        """Return a counter of all changes of the watched columns; None if other processes may change them."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...


def open_database(url: str) -> Database:
    """Return the database of `sqlite:///file`, `postgres://...` or `postgresql://...`, not yet connected."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return SqliteDatabase(url, rest.removeprefix("/"))
    from storage.database.pool import PostgresDatabase  # noqa: PLC0415 - 9 MB, not spent beside SQLite

    return PostgresDatabase("postgresql://" + rest)


def migrations_pending(conn: Connection) -> bool:
    """True when the database is not at the newest revision."""
    exists = (
        "SELECT 1 AS one FROM sqlite_master WHERE name = 'alembic_version'"
        if conn.dialect == "sqlite"
        else "SELECT 1 AS one FROM pg_tables WHERE tablename = 'alembic_version'"
    )
    if not conn.rows(exists):
        return True
    return [found["version_num"] for found in conn.rows("SELECT version_num FROM alembic_version")] != [head()]
