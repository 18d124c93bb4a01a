"""Database: the port through which units of work are committed and queries run, and its factory."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

from storage.database.connection import Connection
from storage.database.sqlite import SqliteDatabase
from storage.database.write_queue import Watch, Watched
from storage.migrations import first_tables, head, revisions

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
    return _revisions(conn) != [head()]


def foreign_schema(conn: Connection) -> str:
    """Return why this release can't migrate the schema; empty if it can, or need not."""
    found = _revisions(conn)
    if unknown := set(found) - revisions():
        return f"its schema has the revision {min(unknown)}, of a newer release or another application"
    if not found and (taken := _tables(conn) & first_tables()):
        return f"it has tables of another application, such as {min(taken)}"
    return ""


def refuses_writes(conn: Connection) -> bool:
    """Return whether the server is a standby, or set to take no writes."""
    if conn.dialect == "sqlite":
        return False
    (found,) = conn.rows(
        "SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS read_only"
    )
    return bool(found["standby"]) or found["read_only"] == "on"


def _revisions(conn: Connection) -> list[str]:
    if "alembic_version" not in _tables(conn):
        return []
    return [found["version_num"] for found in conn.rows("SELECT version_num FROM alembic_version")]


def _tables(conn: Connection) -> set[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if conn.dialect == "sqlite"
        else "SELECT tablename AS name FROM pg_tables WHERE schemaname = ANY(current_schemas(false))"
    )
    return {str(found["name"]) for found in conn.rows(query)}
