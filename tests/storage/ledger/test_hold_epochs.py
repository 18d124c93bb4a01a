"""Holds of one request in several epochs."""

import pytest

from engine.errors import HoldLost
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import holds
from tests.storage.books import NOW, check_books, hold_request, pay, take, tenant


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


class RollBack(Exception):
    """Rolls back the unit of work."""
