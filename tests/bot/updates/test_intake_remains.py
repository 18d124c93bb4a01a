"""Updates that dead processes, failed commits and an earlier run left to the intake."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.updates.intake import MOST_EPOCHS
from storage.database.connection import Connection
from storage.database.database import Database
from storage.database.leases import Lease
from storage.telegram import inbox
from tests.bot.updates.intakes import ANN, Handled, intake, message, states, until
from tests.storage.books import FixedClock

pytestmark = pytest.mark.usefixtures("short_join")


async def test_first_start_handles_the_remains_slowly(db: Database, handled: Handled) -> None:
    old = intake(db, handled)
    old.close()
    await old.store([message(1), {"update_id": 2}])
    slowed: list[int] = []
    work = intake(db, handled, slowed=slowed)
    assert await work.take_up() == 2
    await work.finish()
    assert sorted(handled.numbers) == [1, 2]
    assert slowed == [ANN]
    assert await work.take_up() == 0


async def test_claim_of_a_dead_process_is_taken_over_with_a_new_epoch(db: Database, handled: Handled) -> None:
    old = intake(db, handled)
    old.close()
    await old.store([message(1)])
    await db.write(lambda conn: inbox.claim_next(conn, 1, f"{ANN}:0", "dead"))
    work = intake(db, handled)
    assert await work.take_up() == 1
    await work.finish()
    assert handled.epochs == [2]


async def test_unfinished_claim_of_this_process_is_handled_again(db: Database, handled: Handled) -> None:
    work = intake(db, handled)
    work.close()
    await work.store([message(1), message(2)])
    await db.write(lambda conn: inbox.claim_next(conn, 1, f"{ANN}:0", "mine"))
    again = intake(db, handled)
    await again.take_up()
    await again.finish()
    assert handled.numbers == [1, 2]


async def test_update_that_can_never_be_finished_is_abandoned(
    db: Database, handled: Handled, caplog: pytest.LogCaptureFixture
) -> None:
    work = intake(db, handled)
    work.close()
    await work.store([message(1), message(2)])
    await db.write(lambda conn: inbox.claim_next(conn, 1, f"{ANN}:0", "mine"))
    await db.write(lambda conn: conn.run(f"UPDATE inbox SET epoch = {MOST_EPOCHS} WHERE state = 'claimed'"))
    again = intake(db, handled)
    await again.take_up()
    await again.finish()
    assert handled.numbers == [2]
    assert "update 1 is abandoned" in caplog.text


async def test_claim_in_progress_is_not_released(db: Database, handled: Handled) -> None:
    handled.busy = {ANN}
    lease = Lease(db, FixedClock())
    await lease.renew()
    work = intake(db, handled, lease.id)
    await work.store([message(1)])
    await until(lambda: handled.numbers == [1])
    assert await work.take_up() == 0
    handled.free.set()
    await work.finish()
    assert handled.epochs == [1]


async def test_claim_of_a_message_being_stored_is_not_released(
    db: Database, handled: Handled, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, write = intake(db, handled), db.write
    await work.take_up()

    async def then_take_up(unit: Callable[[Connection], Any]) -> Any:
        stored = await write(unit)
        monkeypatch.setattr(db, "write", write)
        await work.take_up()
        return stored

    monkeypatch.setattr(db, "write", then_take_up)
    await work.store([message(1)])
    await work.finish()
    assert handled.epochs == [1]
    assert await states(db) == [(1, "done")]
