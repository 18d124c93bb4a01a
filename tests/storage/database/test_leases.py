"""Leases: expiry, dead processes, renewal and cleanup."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

from storage.database import leases
from storage.database.connection import Connection, ms, row
from storage.database.database import Database
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


async def test_lease_is_alive_until_its_context_is_left(db: Database) -> None:
    async with Lease(db, FixedClock()) as own:
        assert not await db.read(lambda conn: leases.dead(conn, NOW, "")(own.id))
    assert await db.read(lambda conn: leases.dead(conn, NOW, "")(own.id))


async def test_lease_of_another_host_is_alive_until_it_expires(db: Database) -> None:
    def unit(conn: Connection) -> None:
        lease(conn, "fresh")
        lease(conn, "stale", seconds=-1)
        dead = leases.dead(conn, NOW, "")
        assert [dead("fresh"), dead("stale"), dead("never seen")] == [False, True, True]

    await db.write(unit)


async def test_lease_of_a_dead_process_on_this_host_is_dead_at_once(db: Database) -> None:
    dead_process = subprocess.Popen([sys.executable, "-c", ""])  # noqa: ASYNC220 - it ends by itself
    dead_process.wait()

    def unit(conn: Connection) -> None:
        here = leases.host()
        lease(conn, "dead", host=here, pid=dead_process.pid)
        lease(conn, "before a restart", host=here, pid=os.getpid())
        lease(conn, "neighbour", host=here, pid=os.getppid())
        dead = leases.dead(conn, NOW, "")
        assert [dead("dead"), dead("before a restart"), dead("neighbour")] == [True, True, False]

    await db.write(unit)


async def test_postgresql_servers_clock_decides_about_expiry(db: Database) -> None:
    """A replica whose clock is an hour fast must not treat live leases as dead."""

    def unit(conn: Connection) -> bool:
        lease(conn, "fresh")
        return leases.dead(conn, NOW + timedelta(hours=1), "")("fresh")

    assert await db.write(unit) is (db.dialect == "sqlite")


async def test_failed_renewal_is_repeated(db: Database) -> None:
    class Flaky:
        """A database that fails every other write."""

        def __init__(self) -> None:
            self.writes, self.renewed_often = 0, asyncio.Event()

        def __getattr__(self, name: str) -> object:
            return getattr(db, name)

        async def write(self, unit: object) -> object:
            return await self.write_along(unit, 0)

        async def write_along(self, unit: object, most_seconds: float) -> object:  # noqa: ARG002
            self.writes += 1
            if self.writes >= 6:
                self.renewed_often.set()
            if self.writes > 0 and self.writes % 2 == 0:
                raise OSError("connection lost")
            return await db.write(unit)  # type: ignore[arg-type]

    flaky = Flaky()
    own = Lease(flaky, FixedClock(), lease_seconds=0.003)  # type: ignore[arg-type]
    async with own:
        await flaky.renewed_often.wait()
        assert own._task is not None
        assert not own._task.done()
        flaky.writes = -(10**6)  # no failures from here on


async def test_leases_that_expired_long_ago_are_deleted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        lease(conn, "old")
        conn.run("UPDATE leases SET expires_at = :at", at=ms(NOW - timedelta(hours=2)))
        assert leases.sweep(conn, NOW) == 1
        assert row(conn, "SELECT * FROM leases") is None

    await db.write(unit)


async def test_other_process_is_seen_while_its_lease_is_valid(db: Database) -> None:
    def unit(conn: Connection) -> None:
        lease(conn, "own")
        assert not leases.others_live(conn, NOW, "own")
        lease(conn, "other")
        assert leases.others_live(conn, NOW, "own")
        conn.run("UPDATE leases SET expires_at = :at WHERE id = 'other'", at=ms(NOW - timedelta(days=1)))
        assert not leases.others_live(conn, NOW, "own")

    await db.write(unit)


async def test_lease_from_before_the_clock_was_set_back_ends_soon_unless_it_is_renewed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for name in ("dead", "alive"):
            lease(conn, name, seconds=3600 + leases.LEASE_SECONDS)
        assert leases.pull_back(conn, NOW) == 2
        assert leases.pull_back(conn, NOW) == 0
        lease(conn, "alive")
        conn.run("UPDATE leases SET expires_at = expires_at - :ms", ms=round(leases.LEASE_SECONDS * 1000) + 1)
        dead = leases.dead(conn, NOW, "")
        assert [dead("dead"), dead("alive")] == [True, False]

    await db.write(unit)


async def test_lease_is_not_held_after_a_standstill_until_what_was_lost_is_dropped(db: Database) -> None:
    clock = FixedClock()
    own = Lease(db, clock, lease_seconds=6)
    held: list[bool] = []

    async def drop_lost() -> None:
        held.append(own.is_held())

    own.after_lapse(drop_lost)
    await own.renew()
    clock.move(timedelta(seconds=5))
    await own.renew()
    states = [own.is_held()]
    clock.move(timedelta(seconds=6))
    states.append(own.is_held())
    await own.renew()
    assert ([*states, own.is_held()], held) == ([True, False, True], [False])


async def test_pause_of_the_machine_counts_though_its_monotonic_clock_stands_still(db: Database) -> None:
    class Paused(FixedClock):
        def monotonic(self) -> float:
            return 5.0

    clock = Paused()
    own = Lease(db, clock, lease_seconds=6)
    await own.renew()
    clock.move(timedelta(seconds=7))
    assert not own.is_held()
