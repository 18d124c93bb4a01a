"""Leases: a process's renewed claim to be alive. Its holds and claims end when its lease ends.

On PostgreSQL the server's clock decides, because the clocks of replicas differ; on SQLite all processes share a clock.
A process that was frozen for longer than its lease notices that before it makes any call: see `is_held`.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Self

from engine.ports import Clock
from storage.database.connection import Connection, ms
from storage.database.database import Database

log = logging.getLogger(__name__)

LEASE_SECONDS = 8.0
MOST_SKEW_SECONDS = 60.0
"""Clocks that write leases into one SQLite file differ by less."""
_PROCESS = uuid.uuid4().hex  # distinguishes this process from an earlier one with the same pid


class Lease:
    """The lease of this process: taken on entry, renewed in the background, deleted on exit."""

    def __init__(self, db: Database, clock: Clock, lease_seconds: float = LEASE_SECONDS) -> None:
        self.id = uuid.uuid4().hex
        self._db, self._clock, self._lease_seconds = db, clock, lease_seconds
        self._task: asyncio.Task[None] | None = None
        self._renewed: tuple[float, datetime] | None = None
        self._after_lapse: list[Callable[[], Awaitable[None]]] = []
        self.failure = ""
        """The error of the latest renewal; empty if it succeeded."""

    def is_held(self) -> bool:
        """False if the lease may have expired: other processes may have taken over this process's work.

        Two clocks are compared, because the monotonic one stands still while a virtual machine is paused. Before the
        first renewal there is nothing to take over.
        """
        return self._held_until((self._clock.monotonic(), self._clock.now()))

    def _held_until(self, moment: tuple[float, datetime]) -> bool:
        if self._renewed is None:
            return True
        monotonic, at = self._renewed
        return max(moment[0] - monotonic, (moment[1] - at).total_seconds()) < self._lease_seconds

    def after_lapse(self, action: Callable[[], Awaitable[None]]) -> None:
        """Register an `action` that runs when a lapsed lease was renewed, before it counts as held again."""
        self._after_lapse.append(action)

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

    async def renew(self, most_seconds: float = 0.0) -> None:
        """Renew the lease within `most_seconds`, in the commit of another unit if there is one."""

        def unit(conn: Connection) -> tuple[float, datetime]:
            monotonic, now = self._clock.monotonic(), self._clock.now()
            _renew(conn, lease_id=self.id, now=now, lease_seconds=self._lease_seconds)
            return monotonic, now

        renewed = await (self._db.write_along(unit, most_seconds) if most_seconds else self._db.write(unit))
        if not self._held_until(renewed):
            log.warning("this process was paused for longer than its lease; others keep the work that they took over")
            for action in self._after_lapse:
                await action()
        self._renewed = renewed

    async def _renew_repeatedly(self) -> None:
        """Renew at least twice within a lease's duration: while units are written, with one of them.

        A failure is logged, because the next renewal may still be in time.
        """
        while True:
            await asyncio.sleep(until_whole_second(self._lease_seconds / 8))
            try:
                await self.renew(self._lease_seconds / 4)
                self.failure = ""
            except Exception as error:
                log.warning("the lease could not be renewed", exc_info=True)
                self.failure = str(error) or type(error).__name__


def until_whole_second(seconds: float) -> float:
    """Return about `seconds`, so that a wait ends at a whole second: loops that wait so share their wake-ups."""
    now = asyncio.get_running_loop().time()
    return round(now + seconds) - now if seconds >= 1 else seconds


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


def others_live(conn: Connection, now: datetime, own_id: str) -> bool:
    """Return whether another process with a valid lease uses this database."""
    is_dead = dead(conn, now, own_id)
    return any(not is_dead(each["id"]) for each in conn.rows("SELECT id FROM leases") if each["id"] != own_id)


@cache
def host() -> str:
    """Return a name for this machine's process ids: in another container the same number means another process.

    Containers may share their host's name, so the name includes the boot id and the namespace of the process ids.
    """
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def sweep(conn: Connection, now: datetime, after: timedelta = timedelta(hours=1)) -> int:
    """Delete the leases that expired over `after` ago; return their number."""
    return conn.run("DELETE FROM leases WHERE expires_at < :then", then=ms(now - after))


def pull_back(conn: Connection, now: datetime) -> int:
    """Let leases that end further in the future than any renewal reaches end soon; return their number.

    Their clock was set back since: a process that is alive renews its lease meanwhile, a dead one's would not end.
    """
    return conn.run(
        f"UPDATE leases SET expires_at = {_now(conn)} + :lease_ms WHERE expires_at > {_now(conn)} + :most_ms",
        now=ms(now),
        lease_ms=round(LEASE_SECONDS * 1000),
        most_ms=round((LEASE_SECONDS + MOST_SKEW_SECONDS) * 1000),
    )


def _renew(conn: Connection, *, lease_id: str, now: datetime, lease_seconds: float) -> None:
    conn.run(
        "INSERT INTO leases (id, host, pid, process, expires_at)"
        f" VALUES (:id, :host, :pid, :process, {_now(conn)} + :lease_ms)"
        " ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at",
        id=lease_id,
        host=host(),
        pid=os.getpid(),
        process=_PROCESS,
        now=ms(now),
        lease_ms=round(lease_seconds * 1000),
    )


def _now(conn: Connection) -> str:
    """Return the SQL expression of the current time in milliseconds; it may use the value `now`."""
    server = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    return server if conn.dialect == "postgresql" else ":now"


def _is_gone(of_host: str, pid: int, process: str) -> bool:
    """True if the process ran on this host and no longer exists, so that its lease need not expire first."""
    if of_host != host():
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
