"""Leases: a process's renewed claim to be alive. Its holds and claims end when its lease does.

On PostgreSQL the server's clock decides, because the clocks of replicas differ; on SQLite all processes share a clock.
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
from storage.database.connection import Connection, ms
from storage.database.database import Database

log = logging.getLogger(__name__)

LEASE_SECONDS = 10.0
_PROCESS = uuid.uuid4().hex  # distinguishes this process from an earlier one with the same pid


class Lease:
    """The lease of this process: taken on entry, renewed in the background, deleted on exit."""

    def __init__(self, db: Database, clock: Clock, lease_seconds: float = LEASE_SECONDS) -> None:
        self.id = uuid.uuid4().hex
        self._db, self._clock, self._lease_seconds = db, clock, lease_seconds
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.renew()
        self._task = asyncio.create_task(self._renew_repeatedly(), name="lease")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._db.write(lambda conn: conn.run("DELETE FROM leases WHERE id = :id", id=self.id))

    async def renew(self) -> None:
        await self._db.write(
            partial(_renew, lease_id=self.id, now=self._clock.now(), lease_seconds=self._lease_seconds)
        )

    async def _renew_repeatedly(self) -> None:
        """Renew three times in a lease's duration. A failure is logged: the next renewal may still be in time."""
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            try:
                await self.renew()
            except Exception:
                log.warning("the lease could not be renewed", exc_info=True)


def dead(conn: Connection, now: datetime, own_id: str) -> Callable[[str], bool]:
    """Return a predicate for the id of a lease that is dead: expired, deleted, or of a dead process on this host.

    The lease `own_id` counts as alive until it expires.
    """
    alive = {
        lease["id"]
        for lease in conn.rows(f"SELECT * FROM leases WHERE expires_at >= {_now(conn)}", now=ms(now))
        if lease["id"] == own_id or not _is_gone(lease["host"], lease["pid"], lease["process"])
    }
    return lambda lease_id: lease_id not in alive


def sweep(conn: Connection, now: datetime, after: timedelta = timedelta(hours=1)) -> int:
    """Delete the leases that expired over `after` ago; return their number."""
    return conn.run("DELETE FROM leases WHERE expires_at < :then", then=ms(now - after))


def _renew(conn: Connection, *, lease_id: str, now: datetime, lease_seconds: float) -> None:
    conn.run(
        "INSERT INTO leases (id, host, pid, process, expires_at)"
        f" VALUES (:id, :host, :pid, :process, {_now(conn)} + :lease_ms)"
        " ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at",
        id=lease_id,
        host=socket.gethostname(),
        pid=os.getpid(),
        process=_PROCESS,
        now=ms(now),
        lease_ms=round(lease_seconds * 1000),
    )


def _now(conn: Connection) -> str:
    """Return the SQL of the current time in milliseconds; it may use the value `now`."""
    server = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    return server if conn.dialect == "postgresql" else ":now"


def _is_gone(host: str, pid: int, process: str) -> bool:
    """True when the process ran on this host and no longer exists: its lease need not expire first."""
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
