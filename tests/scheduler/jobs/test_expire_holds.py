from dataclasses import replace

import pytest

from engine.ports import Clock
from scheduler.context import JobContext
from scheduler.jobs import expire_holds
from storage.database.connection import Connection
from storage.database.leases import Lease
from tests.storage.books import hold_request, take, tenant


async def states(context: JobContext) -> dict[str, str]:
    rows = await context.db.read(lambda conn: conn.rows("SELECT request_id, state FROM holds"))
    return {row["request_id"]: row["state"] for row in rows}


async def test_only_holds_of_dead_processes_expire(context: JobContext, caplog: pytest.LogCaptureFixture) -> None:
    clock: Clock = context.clock
    async with Lease(context.db, clock) as living, Lease(context.db, clock) as own:

        def fill(conn: Connection) -> None:
            owner = tenant(conn, "1")
            for name, lease in (("dead", "gone"), ("living", living.id), ("own", own.id)):
                take(conn, hold_request(owner, name, output_tokens=64), lease)

        await context.db.write(fill)
        await expire_holds.run(replace(context, lease_id=own.id))
        assert await states(context) == {"dead": "expired", "living": "open", "own": "open"}
    assert "1 holds of dead processes have expired" in caplog.text


async def test_updates_of_dead_processes_go_to_the_bot(context: JobContext, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    async def take_up() -> int:
        calls.append(1)
        return 3

    caplog.set_level("INFO")
    await expire_holds.run(replace(context, take_up=take_up))
    assert calls == [1]
    assert "3 updates of dead processes" in caplog.text


async def test_without_dead_processes_the_log_is_silent(context: JobContext, caplog: pytest.LogCaptureFixture) -> None:
    async def take_up() -> int:
        return 0

    caplog.set_level("INFO")
    await expire_holds.run(replace(context, take_up=take_up))
    await expire_holds.run(context)
    assert [record for record in caplog.records if record.name.startswith("scheduler")] == []
