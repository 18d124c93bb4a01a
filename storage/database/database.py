"""Database: `await db.write(unit)`, `await db.read(query)`; the only place that commits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, Self, TypeVar

from storage.database import sqlite
from storage.database.connection import Connection
from storage.database.pool import Pool
from storage.migrations import head

T = TypeVar("T")


class Database(Protocol):
    """A unit of work is a plain function of a Connection: it never awaits, never commits."""

    @property
    def url(self) -> str: ...
    @property
    def dialect(self) -> str: ...
    async def write(self, unit: Callable[[Connection], T]) -> T:
        """Run in a transaction; durable when it returns. What the unit raises is raised here, undone."""
        ...

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        """`write`, begun at once. Who is cancelled meanwhile is so once it is durable."""
        ...

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run on one consistent snapshot; it can't write."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...


def open_database(url: str) -> Database:
    """`sqlite:///file`, `postgres://...` or `postgresql://...`; enter it to connect."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return SqliteDatabase(url, rest.removeprefix("/"))
    return PostgresDatabase("postgresql://" + rest)


class SqliteDatabase:
    dialect = "sqlite"

    def __init__(self, url: str, path: str) -> None:
        self.url, self.path = url, path

    async def __aenter__(self) -> Self:
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        sqlite.warn_if_old()
        self._writer = sqlite.Writer(self.path)
        self._writer.start()
        self._readers = sqlite.Readers(self.path)
        self._threads = ThreadPoolExecutor(sqlite.READERS, thread_name_prefix="farthing-reader")
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._close)

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        return self._writer.submit(unit)

    async def read(self, query: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        result: T = await loop.run_in_executor(self._threads, self._readers.read, query)
        return result

    def _close(self) -> None:
        """Readers first, so that the writer's last checkpoint finds nobody in its way."""
        self._threads.shutdown(wait=True)
        self._readers.close()
        self._writer.stop()


class PostgresDatabase:
    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Self:
        self._pool = Pool(self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._pool.close)

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        return self._pool.submit(unit, write=True)

    async def read(self, query: Callable[[Connection], T]) -> T:
        result: T = await self._pool.submit(query, write=False)
        return result


def migrations_pending(conn: Connection) -> bool:
    """True when the newest revision is not the database's."""
    exists = (
        "SELECT 1 AS one FROM sqlite_master WHERE name = 'alembic_version'"
        if conn.dialect == "sqlite"
        else "SELECT 1 AS one FROM pg_tables WHERE tablename = 'alembic_version'"
    )
    if not conn.rows(exists):
        return True
    return [found["version_num"] for found in conn.rows("SELECT version_num FROM alembic_version")] != [head()]
