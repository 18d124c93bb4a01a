"""Leases: a process says that it lives; what it held or claimed ends with it.

On PostgreSQL the server's clock decides, for replicas' own clocks differ; on SQLite all share one machine's.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Self

from engine.ports import Clock
from storage.database.connection import Connection
from storage.database.database import Database
from storage.database.dates import ms

log = logging.getLogger(__name__)

LEASE_SECONDS = 10.0
_PROCESS = uuid.uuid4().hex  # tells this process from an earlier one that had its pid


class Lease:
    """Enter to take it; it renews itself until left."""

    def __init__(self, db: Database, clock: Clock, lease_seconds: float = LEASE_SECONDS) -> None:
        self.id = uuid.uuid4().hex
        self._db, self._clock, self._lease_seconds = db, clock, lease_seconds
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.renew()
        self._task = asyncio.create_task(self._keep(), name="lease")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._db.write(lambda conn: conn.run("DELETE FROM leases WHERE id = :id", id=self.id))

    async def renew(self) -> None:
        await self._db.write(partial(_renew, lease_id=self.id, now=self._clock.now(), life=self._lease_seconds))

    async def _keep(self) -> None:
        """A database that is away for a moment must not end the lease of a process that lives."""
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            try:
                await self.renew()
            except Exception:  # whatever it was, the next third of the lease tries again
                log.warning("the lease could not be renewed", exc_info=True)


def dead(conn: Connection, now: datetime, mine: str) -> Callable[[str], bool]:
    """Tells which leases have ended: run out, given up, or of a process on this host that is gone."""
    alive = {
        lease["id"]
        for lease in conn.rows(f"SELECT * FROM leases WHERE expires_at >= {_now(conn)}", now=ms(now))
        if lease["id"] == mine or not _is_gone(lease["host"], lease["pid"], lease["process"])
    }
    return lambda lease_id: lease_id not in alive


def sweep(conn: Connection, now: datetime, after: timedelta = timedelta(hours=1)) -> int:
    """Forget leases that ended long ago."""
    return conn.run("DELETE FROM leases WHERE expires_at < :then", then=ms(now - after))


def _renew(conn: Connection, *, lease_id: str, now: datetime, life: float) -> None:
    conn.run(
        "INSERT INTO leases (id, host, pid, process, expires_at)"
        f" VALUES (:id, :host, :pid, :process, {_now(conn)} + :life)"
        " ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at",
        id=lease_id,
        host=socket.gethostname(),
        pid=os.getpid(),
        process=_PROCESS,
        now=ms(now),
        life=round(life * 1000),
    )


def _now(conn: Connection) -> str:
    server = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    return server if conn.dialect == "postgresql" else ":now"


def _is_gone(host: str, pid: int, process: str) -> bool:
    """A crash needs no waiting where the process can be looked for."""
    if host != socket.gethostname():
        return False
    if pid == os.getpid():
        return process != _PROCESS
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
