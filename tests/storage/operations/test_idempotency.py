import asyncio
from dataclasses import dataclass

import pytest

from engine.errors import HoldLost
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.ledger import holds
from storage.operations import idempotency
from storage.operations.idempotency import Fresh, InFlight, Replay, Verdict
from tests.storage.books import DOUBLE, NOW, RATES, account, bid, bill, sound, take, tenant
from tests.storage.conftest import Server
from tests.storage.meeting import meet


@dataclass(frozen=True)
class Call:
    """A request under the key `k`, in a process of its own."""

    owner: int
    request_id: str

    def begins(self, conn: Connection, *, others_are_dead: bool = False) -> Verdict:
        return idempotency.begin(
            conn,
            self.owner,
            "k",
            body_sha256="b",
            lease_id=f"lease of {self.request_id}",
            holder_is_dead=others_are_dead,
            request_id=self.request_id,
            now=NOW,
        )

    def ends(self, conn: Connection) -> None:
        idempotency.finish(conn, self.owner, "k", self.request_id, 200, self.request_id, {})


async def test_a_key_is_in_one_hand_and_then_replayed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        first, twin = Call(owner, "r1"), Call(owner, "r2")
        assert first.begins(conn) == Fresh()
        assert twin.begins(conn) == InFlight()
        first.ends(conn)
        assert twin.begins(conn) == Replay(200, "r1", {})

    await db.write(unit)


async def test_who_was_taken_for_dead_and_wakes_charges_nothing(db: Database) -> None:
    """A paused process: its key went to another, its hold is still open."""
    owner = await db.write(lambda conn: tenant(conn, "1"))
    paused, other = Call(owner, "r1"), Call(owner, "r2")
    asked = bid(owner, "r1", tariff=DOUBLE)

    def begin(conn: Connection) -> None:
        assert paused.begins(conn) == Fresh()
        assert other.begins(conn, others_are_dead=True) == Fresh()

    def wakes(conn: Connection) -> None:
        holds.capture(conn, asked, grant, bill(asked), rates=RATES, now=NOW)
        paused.ends(conn)

    await db.write(begin)
    grant = await db.write(lambda conn: take(conn, asked))
    with pytest.raises(HoldLost):
        await db.write(wakes)
    await db.write(other.ends)
    with pytest.raises(HoldLost):
        await db.write(wakes)
    assert (await db.read(lambda conn: account(conn, owner)))["balance_nanousd"] == 10**9
    assert await db.write(paused.begins) == Replay(200, "r2", {})
    await db.read(sound)


async def test_who_gives_up_late_leaves_the_key_to_who_has_it_now(db: Database) -> None:
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


async def test_of_twenty_twins_at_once_one_goes_on(db: Database) -> None:
    owner = await db.write(tenant)
    twins = [Call(owner, f"r{number}") for number in range(20)]
    verdicts = await asyncio.gather(*(db.write(twin.begins) for twin in twins))
    assert sorted(map(repr, verdicts)) == ["Fresh()"] + ["InFlight()"] * 19


async def test_a_twin_that_comes_before_the_first_is_committed_waits_for_it(
    postgres_server: Server, postgres_template: str
) -> None:
    """Both have looked and seen nobody; the second to write must not take the key over."""
    url = postgres_server.create(f"{postgres_template}_twins", postgres_template)
    async with open_database(url) as db:
        owner = await db.write(tenant)
        one, two = Call(owner, "r1"), Call(owner, "r2")
        assert await meet(db, one.begins, two.begins) == (Fresh(), InFlight())
