import asyncio
import os
import socket
import subprocess
import sys
from datetime import timedelta

from storage.database import leases
from storage.database.connection import Connection, row
from storage.database.database import Database
from storage.database.dates import ms
from storage.database.leases import Lease
from tests.storage.books import NOW, FixedClock


def lease(conn: Connection, name: str, *, host: str = "elsewhere", pid: int = 1, seconds: float = 10) -> None:
    leases._renew(conn, lease_id=name, now=NOW, lease_seconds=seconds)
    conn.run(
        "UPDATE leases SET host = :host, pid = :pid, process = 'x' WHERE id = :id",
        id=name,
        host=host,
        pid=pid,
    )


async def test_a_lease_lives_until_it_is_left(db: Database) -> None:
    async with Lease(db, FixedClock()) as mine:
        assert not await db.read(lambda conn: leases.dead(conn, NOW, "")(mine.id))
    assert await db.read(lambda conn: leases.dead(conn, NOW, "")(mine.id))


async def test_a_lease_elsewhere_lives_while_it_is_renewed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        lease(conn, "fresh")
        lease(conn, "stale", seconds=-1)
        dead = leases.dead(conn, NOW, "")
        assert [dead("fresh"), dead("stale"), dead("never seen")] == [False, True, True]

    await db.write(unit)


async def test_a_process_that_is_gone_is_dead_at_once(db: Database) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])  # noqa: ASYNC220 - it ends by itself
    gone.wait()

    def unit(conn: Connection) -> None:
        here = socket.gethostname()
        lease(conn, "gone", host=here, pid=gone.pid)
        lease(conn, "before a restart", host=here, pid=os.getpid())
        lease(conn, "neighbour", host=here, pid=os.getppid())
        dead = leases.dead(conn, NOW, "")
        assert [dead("gone"), dead("before a restart"), dead("neighbour")] == [True, True, False]

    await db.write(unit)


async def test_on_postgresql_the_servers_clock_decides(db: Database) -> None:
    """A replica whose own clock is an hour ahead must not bury the living."""

    def unit(conn: Connection) -> bool:
        lease(conn, "fresh")
        return leases.dead(conn, NOW + timedelta(hours=1), "")("fresh")

    assert await db.write(unit) is (db.dialect == "sqlite")


async def test_a_failed_renewal_does_not_end_the_lease(db: Database) -> None:
    class Moody:
        """A database that fails every other write."""

        def __init__(self) -> None:
            self.writes, self.enough = 0, asyncio.Event()

        def __getattr__(self, name: str) -> object:
            return getattr(db, name)

        async def write(self, unit: object) -> object:
            self.writes += 1
            if self.writes >= 6:
                self.enough.set()
            if self.writes > 0 and self.writes % 2 == 0:
                raise OSError("away for a moment")
            return await db.write(unit)  # type: ignore[arg-type]

    moody = Moody()
    mine = Lease(moody, FixedClock(), lease_seconds=0.003)  # type: ignore[arg-type]
    async with mine:
        await moody.enough.wait()
        assert mine._task is not None
        assert not mine._task.done()
        moody.writes = -(10**6)  # from here on it is well


async def test_leases_that_ended_long_ago_are_forgotten(db: Database) -> None:
    def unit(conn: Connection) -> None:
        lease(conn, "old")
        conn.run("UPDATE leases SET expires_at = :at", at=ms(NOW - timedelta(hours=2)))
        assert leases.sweep(conn, NOW) == 1
        assert row(conn, "SELECT * FROM leases") is None

    await db.write(unit)
