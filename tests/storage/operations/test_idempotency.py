import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from engine.errors import HoldLost
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.ledger import holds
from storage.operations import idempotency
from storage.operations.idempotency import RETENTION, Fresh, InFlight, Mismatch, Replay, Verdict
from tests.storage.books import DOUBLE, NOW, RATES, account, bill, check_books, hold_request, take, tenant
from tests.storage.conflicts import run_conflicting
from tests.storage.conftest import Server

MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Call:
    """A request with the key `k`, in a process of its own."""

    owner: int
    request_id: str
    body: str = "b"

    def begins(self, conn: Connection, *, others_are_dead: bool = False, now: datetime = NOW) -> Verdict:
        return idempotency.begin(
            conn,
            self.owner,
            "k",
            body_sha256=self.body,
            lease_id=f"lease of {self.request_id}",
            holder_is_dead=others_are_dead,
            request_id=self.request_id,
            now=now,
        )

    def ends(self, conn: Connection) -> None:
        idempotency.finish(conn, self.owner, "k", self.request_id, 200, self.request_id, {})


async def test_second_request_is_in_flight_until_the_first_is_replayed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        first, second = Call(owner, "r1"), Call(owner, "r2")
        assert first.begins(conn) == Fresh()
        assert second.begins(conn) == InFlight()
        first.ends(conn)
        assert second.begins(conn) == Replay(200, "r1", {})

    await db.write(unit)


async def test_paused_request_whose_key_was_taken_over_charges_nothing(db: Database) -> None:
    """While the process was paused, another one took over its key, but its hold stayed open."""
    owner = await db.write(lambda conn: tenant(conn, "1"))
    paused, other = Call(owner, "r1"), Call(owner, "r2")
    asked = hold_request(owner, "r1", tariff=DOUBLE)

    def begin(conn: Connection) -> None:
        assert paused.begins(conn) == Fresh()
        assert other.begins(conn, others_are_dead=True) == Fresh()

    def resume(conn: Connection) -> None:
        holds.capture(conn, asked, grant, bill(asked), rates=RATES, now=NOW)
        paused.ends(conn)

    await db.write(begin)
    grant = await db.write(lambda conn: take(conn, asked))
    with pytest.raises(HoldLost):
        await db.write(resume)
    await db.write(other.ends)
    with pytest.raises(HoldLost):
        await db.write(resume)
    assert (await db.read(lambda conn: account(conn, owner)))["balance_nanousd"] == 10**9
    assert await db.write(paused.begins) == Replay(200, "r2", {})
    await db.read(check_books)


async def test_late_drop_leaves_the_key_to_its_new_holder(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        late, other, third = Call(owner, "r1"), Call(owner, "r2"), Call(owner, "r3")
        late.begins(conn)
        other.begins(conn, others_are_dead=True)
        idempotency.drop(conn, owner, "k", late.request_id)
        assert third.begins(conn) == InFlight()
        idempotency.drop(conn, owner, "k", other.request_id)
        assert third.begins(conn) == Fresh()

    await db.write(unit)


async def test_of_twenty_concurrent_requests_one_proceeds(db: Database) -> None:
    owner = await db.write(tenant)
    requests = [Call(owner, f"r{number}") for number in range(20)]
    verdicts = await asyncio.gather(*(db.write(second.begins) for second in requests))
    assert sorted(map(repr, verdicts)) == ["Fresh()"] + ["InFlight()"] * 19


async def test_concurrent_request_waits_for_the_uncommitted_first(
    postgres_server: Server, postgres_template: str
) -> None:
    """Both have read that the key is free; the second one to write must not take it over."""
    url = postgres_server.create(f"{postgres_template}_twins", postgres_template)
    async with open_database(url) as db:
        owner = await db.write(tenant)
        one, two = Call(owner, "r1"), Call(owner, "r2")
        assert await run_conflicting(db, one.begins, two.begins) == (Fresh(), InFlight())


async def test_key_of_another_body_is_a_mismatch(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        first, other = Call(owner, "r1"), Call(owner, "r2", body="other")
        assert first.begins(conn) == Fresh()
        assert other.begins(conn, others_are_dead=True) == Mismatch()
        first.ends(conn)
        assert other.begins(conn) == Mismatch()

    await db.write(unit)


async def test_key_is_of_one_tenant(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert Call(tenant(conn), "r1").begins(conn) == Fresh()
        assert Call(tenant(conn), "r2").begins(conn) == Fresh()

    await db.write(unit)


async def test_answer_is_replayed_for_a_day(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        first = Call(owner, "r1")
        first.begins(conn)
        first.ends(conn)
        end = NOW + RETENTION
        assert Call(owner, "r2").begins(conn, now=end - MS) == Replay(200, "r1", {})
        assert Call(owner, "r3", body="other").begins(conn, now=end) == Fresh()

    await db.write(unit)


async def test_only_an_unfinished_request_holds_its_key(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        call = Call(owner, "r1")
        assert idempotency.holder(conn, owner, "k") is None
        call.begins(conn)
        assert idempotency.holder(conn, owner, "k") == "lease of r1"
        call.ends(conn)
        assert idempotency.holder(conn, owner, "k") is None

    await db.write(unit)


async def test_finished_key_can_not_be_dropped(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        call = Call(owner, "r1")
        call.begins(conn)
        call.ends(conn)
        idempotency.drop(conn, owner, "k", "r1")
        assert Call(owner, "r2").begins(conn) == Replay(200, "r1", {})

    await db.write(unit)


async def test_keys_are_swept_after_their_retention(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in range(3):
            Call(tenant(conn), f"r{number}").begins(conn)
        end = NOW + RETENTION
        assert idempotency.sweep(conn, end) == 0
        assert [idempotency.sweep(conn, end + MS, limit=2) for _ in range(3)] == [2, 1, 0]

    await db.write(unit)
