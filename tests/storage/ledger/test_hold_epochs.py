"""Holds of one request in several epochs."""

import pytest

from engine.errors import HoldLost
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import holds
from tests.storage.books import (
    DOUBLE,
    FLAT,
    NOW,
    account,
    check_books,
    hold_request,
    pay,
    shortfall_of,
    take,
    tenant,
)


async def test_later_epoch_expires_the_earlier_hold(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        first, second = hold_request(owner, epoch=1), hold_request(owner, epoch=2)
        old, new = take(conn, first), take(conn, second)
        with pytest.raises(HoldLost, match=first.hold_id):
            pay(conn, first, old)
        pay(conn, second, new)
        states = conn.rows("SELECT epoch, state FROM holds WHERE tenant_id = :id ORDER BY epoch", id=owner)
        assert [(each["epoch"], each["state"]) for each in states][-1] == (2, "captured")
        check_books(conn)

    await db.write(unit)


async def test_earlier_epoch_cannot_replace_a_later_hold(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        second = hold_request(owner, epoch=2)
        grant = take(conn, second)
        with pytest.raises(HoldLost, match=f"{second.request_id}:1"):
            holds.hold(conn, hold_request(owner, epoch=1), "L", NOW)
        pay(conn, second, grant)
        check_books(conn)

    await db.write(unit)


async def test_paid_request_cannot_be_held_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        asked = hold_request(owner)
        pay(conn, asked, take(conn, asked))
        for epoch in (1, 2):
            with pytest.raises(HoldLost):
                holds.hold(conn, hold_request(owner, epoch=epoch), "L", NOW)
        check_books(conn)

    await db.write(unit)


async def test_request_of_another_tenant_cannot_be_held(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner, other = tenant(conn, "1"), tenant(conn, "1")
        asked = hold_request(owner, epoch=1)
        take(conn, asked)
        holds.void(conn, asked.hold_id, NOW)
        with pytest.raises(HoldLost, match=f"{asked.request_id}:2"):
            holds.hold(conn, hold_request(other, epoch=2), "L", NOW)
        raise RollBack

    with pytest.raises(RollBack):
        await db.write(unit)
    await db.read(check_books)


async def test_repeated_hold_in_one_epoch_is_refused_and_leaves_the_hold_open(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), epoch=2)
        grant = take(conn, asked)
        with pytest.raises(HoldLost, match=asked.hold_id):
            holds.hold(conn, asked, "L", NOW)
        pay(conn, asked, grant)
        check_books(conn)

    await db.write(unit)


async def test_voided_request_is_not_held_again_in_its_epoch_even_without_funds(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        asked = hold_request(owner)
        take(conn, asked)
        holds.void(conn, asked.hold_id, NOW)
        for tariff in (FLAT, DOUBLE):
            with pytest.raises(HoldLost, match=asked.hold_id):
                holds.hold(conn, hold_request(owner, tariff=tariff, input_tokens=10**7), "L", NOW)

    await db.write(unit)


async def test_paid_request_is_lost_and_not_short_of_funds(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        asked = hold_request(owner)
        pay(conn, asked, take(conn, asked))
        with pytest.raises(HoldLost, match=f"{asked.request_id}:2"):
            holds.hold(conn, hold_request(owner, tariff=DOUBLE, epoch=2), "L", NOW)

    await db.write(unit)


async def test_earlier_hold_is_expired_when_the_later_epoch_lacks_funds(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        take(conn, hold_request(owner))
        shortfall_of(conn, hold_request(owner, tariff=DOUBLE, epoch=2))
        assert conn.rows("SELECT state FROM holds")[0]["state"] == "expired"
        assert account(conn, owner)["allowance_held_tokens"] == 0

    await db.write(unit)


async def test_request_of_an_unknown_tenant_cannot_be_held(db: Database) -> None:
    def unit(conn: Connection) -> None:
        with pytest.raises(HoldLost, match="r1:1"):
            holds.hold(conn, hold_request(10**6), "L", NOW)

    await db.write(unit)


class RollBack(Exception):
    """Rolls back the unit of work."""
