"""A database that writes only while this process leads, so that a frozen leader's late writes are rolled back."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from storage.database.connection import Connection
from storage.database.database import Database
from storage.database.write_queue import Watch, Watched
from storage.operations import leaders

T = TypeVar("T")


class FencedDatabase:
    """A database in which each write checks the leader's epoch in its own transaction. Raises LeadershipLost."""

    def __init__(self, db: Database, name: str, lease_id: str, epoch: int) -> None:
        self._db, self._name, self._lease_id, self._epoch = db, name, lease_id, epoch

    @property
    def url(self) -> str:
        return self._db.url

    @property
    def dialect(self) -> str:
        return self._db.dialect

    @property
    def queued(self) -> int:
        return self._db.queued

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    async def write_along(self, unit: Callable[[Connection], T], most_seconds: float) -> T:
        return await self._db.write_along(self._fenced(unit), most_seconds)

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        return self._db.submit(self._fenced(unit))

    def _fenced(self, unit: Callable[[Connection], T]) -> Callable[[Connection], T]:
        def fenced(conn: Connection) -> T:
            leaders.check(conn, self._name, self._lease_id, self._epoch)
            return unit(conn)

        return fenced

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self._db.read(query)

    async def read_key(self, query: Callable[[Connection], T]) -> T:
        return await self._db.read_key(query)

    async def watch(self, watched: Sequence[Watched]) -> Watch | None:
        return await self._db.watch(watched)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing: the database has another owner."""
