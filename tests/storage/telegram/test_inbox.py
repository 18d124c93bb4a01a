import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from storage.database.connection import Connection, Row, scalar
from storage.database.database import Database
from storage.telegram import inbox
from storage.telegram.inbox import CHAT, IncomingUpdate, WaitingUpdate
from storage.telegram.inbox import NOW as AT_ONCE
from tests.storage.books import NOW
from tests.storage.kinds import on_sqlite

BOT = 7


def update(number: int, chat: str = "c", lane: str = CHAT) -> IncomingUpdate:
    return IncomingUpdate(number, chat, lane, f'{{"update_id": {number}}}')


def stored(conn: Connection, *numbers: int, chat: str = "c", lane: str = CHAT) -> None:
    inbox.store(conn, BOT, [update(number, chat, lane) for number in numbers], NOW)


async def test_repeated_update_is_stored_once(db: Database) -> None:
    def unit(conn: Connection) -> list[list[int]]:
        batches = ([update(1), update(2)], [update(2), update(3)])
        return [[new.update_id for new in inbox.store(conn, BOT, batch, NOW)] for batch in batches]

    assert await db.write(unit) == [[1, 2], [3]]


async def test_two_bots_may_have_the_same_update_id(db: Database) -> None:
    def unit(conn: Connection) -> int:
        return sum(len(inbox.store(conn, bot, [update(1)], NOW)) for bot in (BOT, BOT + 1))

    assert await db.write(unit) == 2


async def test_updates_of_a_chat_are_claimed_in_order_one_at_a_time(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 5, 3, 4)
        for number in (3, 4, 5):
            claimed = inbox.claim_next(conn, BOT, "c", "L")
            assert claimed is not None
            assert claimed.update_id == number
            assert inbox.claim_next(conn, BOT, "c", "L") is None
            assert inbox.finish(conn, claimed.id, claimed.epoch, NOW)
        assert inbox.claim_next(conn, BOT, "c", "L") is None

    await db.write(unit)


async def test_late_update_waits_for_its_claimed_successor(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 5)
        first = inbox.claim_next(conn, BOT, "c", "L")
        assert first is not None
        stored(conn, 4)
        assert inbox.claim_next(conn, BOT, "c", "L") is None

    await db.write(unit)


async def test_chats_do_not_wait_for_each_other(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1, chat="a")
        stored(conn, 2, chat="b")
        assert inbox.claim_next(conn, BOT, "a", "L") is not None
        assert inbox.claim_next(conn, BOT, "b", "L") is not None

    await db.write(unit)


async def test_updates_of_the_now_lane_do_not_wait(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1)
        stored(conn, 2, lane=AT_ONCE)
        assert inbox.claim_next(conn, BOT, "c", "L") is not None
        assert inbox.claim(conn, BOT, 2, "L") is not None
        assert inbox.claim(conn, BOT, 2, "L") is None

    await db.write(unit)


async def test_finished_update_has_no_payload(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1)
        claimed = inbox.claim_next(conn, BOT, "c", "L")
        assert claimed is not None
        inbox.finish(conn, claimed.id, claimed.epoch, NOW)
        assert scalar(conn, "SELECT payload FROM inbox") == ""

    await db.write(unit)


async def test_old_claim_can_neither_finish_nor_release_after_a_takeover(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1)
        old = inbox.claim_next(conn, BOT, "c", "dead")
        assert old is not None
        assert inbox.release_dead(conn, BOT, lambda lease: lease == "dead") == 1
        new = inbox.claim_next(conn, BOT, "c", "here")
        assert new is not None
        assert new.epoch == old.epoch + 1
        assert not inbox.finish(conn, old.id, old.epoch, NOW)
        assert not inbox.release(conn, old.id, old.epoch)
        assert inbox.finish(conn, new.id, new.epoch, NOW)

    await db.write(unit)


async def test_finished_update_can_not_be_released(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1)
        claimed = inbox.claim_next(conn, BOT, "c", "L")
        assert claimed is not None
        inbox.finish(conn, claimed.id, claimed.epoch, NOW)
        assert not inbox.release(conn, claimed.id, claimed.epoch)
        assert inbox.waiting(conn, BOT, NOW) == []

    await db.write(unit)


async def test_claims_of_living_processes_are_not_released(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1)
        inbox.claim_next(conn, BOT, "c", "here")
        assert inbox.release_dead(conn, BOT, lambda lease: lease != "here") == 0

    await db.write(unit)


async def test_of_racing_claims_one_succeeds(db: Database) -> None:
    await db.write(lambda conn: stored(conn, *range(20)))
    claims = await asyncio.gather(*(db.write(lambda conn: inbox.claim_next(conn, BOT, "c", "L")) for _ in range(30)))
    assert [claim.update_id for claim in claims if claim is not None] == [0]


async def test_only_finished_updates_are_swept(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1, 2)
        claimed = inbox.claim_next(conn, BOT, "c", "L")
        assert claimed is not None
        inbox.finish(conn, claimed.id, claimed.epoch, NOW)
        assert inbox.sweep(conn, NOW + timedelta(seconds=1)) == 1
        assert [each.update_id for each in inbox.waiting(conn, BOT, NOW)] == [2]

    await db.write(unit)


async def test_next_update_of_a_chat_is_looked_up_without_a_claim(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1, 3, 4)
        stored(conn, 2, chat="d")
        stored(conn, 5, lane=AT_ONCE)
        assert inbox.next_in_chat(conn, BOT, "c", 1) == (3, '{"update_id": 3}')
        assert inbox.next_in_chat(conn, BOT, "c", 3) == (4, '{"update_id": 4}')
        assert inbox.next_in_chat(conn, BOT, "c", 4) is None
        claimed = inbox.claim_next(conn, BOT, "c", "L")
        assert claimed is not None
        assert inbox.next_in_chat(conn, BOT, "c", 0) == (3, '{"update_id": 3}')

    await db.write(unit)


async def test_claims_of_a_process_are_listed_until_they_are_finished(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1, 2)
        stored(conn, 3, chat="d")
        own, other = inbox.claim_next(conn, BOT, "c", "own"), inbox.claim_next(conn, BOT, "d", "other")
        assert own is not None
        assert other is not None
        assert inbox.claimed_by(conn, BOT, "own") == [(own.id, own.epoch, "c", CHAT, 1)]
        assert inbox.claimed_by(conn, BOT + 1, "own") == []
        inbox.finish(conn, own.id, own.epoch, NOW)
        assert inbox.claimed_by(conn, BOT, "own") == []
        assert inbox.waiting(conn, BOT, NOW) == [WaitingUpdate("c", CHAT, 2)]

    await db.write(unit)


async def test_released_update_is_claimed_again_with_a_new_epoch(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1)
        first = inbox.claim_next(conn, BOT, "c", "L")
        assert first is not None
        assert inbox.release(conn, first.id, first.epoch)
        assert not inbox.release(conn, first.id, first.epoch)
        second = inbox.claim_next(conn, BOT, "c", "L")
        assert second is not None
        assert (second.update_id, second.epoch, second.received_at) == (1, first.epoch + 1, NOW)

    await db.write(unit)


async def test_updates_answered_together_are_finished_together(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1)
        stored(conn, 2, lane=AT_ONCE)
        first, second = inbox.claim_next(conn, BOT, "c", "L"), inbox.claim(conn, BOT, 2, "L")
        assert first is not None
        assert second is not None
        both = replace(first, rest=(second,))
        assert inbox.finish_all(conn, both, NOW)
        assert inbox.claimed_by(conn, BOT, "L") == []
        assert not inbox.finish_all(conn, both, NOW)

    await db.write(unit)


async def test_updates_are_swept_in_portions_after_their_time(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1, 2, 3)
        for _ in range(3):
            claimed = inbox.claim_next(conn, BOT, "c", "L")
            assert claimed is not None
            inbox.finish(conn, claimed.id, claimed.epoch, NOW)
        assert inbox.sweep(conn, NOW) == 0
        later = NOW + timedelta(milliseconds=1)
        assert [inbox.sweep(conn, later, limit=2) for _ in range(3)] == [2, 1, 0]

    await db.write(unit)


async def test_look_finds_what_waits_and_what_other_processes_claimed(db: Database) -> None:
    def may_be_left(conn: Connection, lease_id: str, seconds: int = 0) -> bool:
        return inbox.may_be_left(conn, BOT, NOW - timedelta(seconds=seconds), lease_id)

    def unit(conn: Connection) -> None:
        assert not may_be_left(conn, "L")
        stored(conn, 1)
        assert may_be_left(conn, "L")
        assert not may_be_left(conn, "L", seconds=2)  # a new update has a worker
        claimed = inbox.claim_next(conn, BOT, "c", "L")
        assert claimed is not None
        assert not may_be_left(conn, "L")
        assert may_be_left(conn, "another")
        inbox.release(conn, claimed.id, claimed.epoch)
        assert may_be_left(conn, "L", seconds=2)  # an update claimed long ago has lost its worker

    await db.write(unit)


class Explained:
    """A connection that records how SQLite finds the rows of each statement."""

    dialect = "sqlite"

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.plans: list[str] = []

    def _note(self, sql: str, values: dict[str, Any]) -> None:
        self.plans += [row["detail"] for row in self._conn.rows(f"EXPLAIN QUERY PLAN {sql}", **values)]

    def rows(self, sql: str, **values: Any) -> list[Row]:
        self._note(sql, values)
        return self._conn.rows(sql, **values)

    def run(self, sql: str, **values: Any) -> int:
        self._note(sql, values)
        return self._conn.run(sql, **values)


@on_sqlite  # PostgreSQL's choice depends on its statistics
@pytest.mark.parametrize(
    "query",
    [
        lambda conn: inbox.may_be_left(conn, BOT, NOW, "L"),
        lambda conn: inbox.claimed_by(conn, BOT, "L"),
        lambda conn: inbox.waiting(conn, BOT, NOW),
        lambda conn: inbox.release_dead(conn, BOT, lambda _: True),
        lambda conn: inbox.is_claimed_elsewhere(conn, "c", "L"),
        lambda conn: inbox.claim_next(conn, BOT, "c", "L"),
    ],
)
async def test_done_updates_are_not_read(db: Database, query: Callable[[Connection], object]) -> None:
    def unit(conn: Connection) -> None:
        stored(conn, 1)
        assert inbox.claim_next(conn, BOT, "c", "L") is not None
        stored(conn, 2)
        explained = Explained(conn)
        query(cast(Connection, explained))
        found = [plan for plan in explained.plans if " inbox" in plan]
        assert found
        assert all("undone_updates" in plan or "PRIMARY KEY" in plan for plan in found)

    await db.write(unit)
