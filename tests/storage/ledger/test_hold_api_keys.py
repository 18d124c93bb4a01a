"""Holds of requests by API key: the monthly limit of the key."""

from datetime import timedelta

import pytest

from engine.errors import HoldLost
from engine.holds import Shortfall
from storage.database.connection import Connection, row
from storage.database.database import Database
from storage.ledger import holds
from storage.tenants import api_keys
from storage.tenants.api_keys import KeySettings
from tests.storage.books import NOW, check_books, hold_request, pay, shortfall_of, take, tenant


async def test_limit_of_an_api_key_bounds_its_holds(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        key = api_keys.add(conn, owner, api_keys.new_key(), KeySettings(name="dev", tokens_per_month=300), NOW)
        first = hold_request(owner, "a", key_id=key.id)
        grant = take(conn, first)
        assert shortfall_of(conn, hold_request(owner, "b", key_id=key.id)).key_limited
        pay(conn, first, grant, tokens=120)
        second = hold_request(owner, "b", key_id=key.id)
        assert take(conn, second).tokens == 180
        found = row(conn, "SELECT * FROM api_keys WHERE id = :id", id=key.id)
        assert found is not None
        assert (found["used_tokens"], found["held_tokens"]) == (120, 180)
        check_books(conn)

    await db.write(unit)


async def test_voided_hold_gives_its_tokens_back_to_the_api_key(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        key = api_keys.add(conn, owner, api_keys.new_key(), KeySettings(name="dev", tokens_per_month=300), NOW)
        asked = hold_request(owner, "a", key_id=key.id)
        take(conn, asked)
        holds.void(conn, asked.hold_id, NOW)
        found = row(conn, "SELECT * FROM api_keys WHERE id = :id", id=key.id)
        assert found is not None
        assert (found["used_tokens"], found["held_tokens"]) == (0, 0)
        check_books(conn)

    await db.write(unit)


async def test_api_key_counts_each_month_by_itself(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        key = api_keys.add(conn, owner, api_keys.new_key(), KeySettings(name="dev", tokens_per_month=300), NOW)
        old = hold_request(owner, "a", key_id=key.id)
        grant = take(conn, old)
        december = NOW + timedelta(days=10)
        new = hold_request(owner, "b", key_id=key.id)
        assert not isinstance(holds.hold(conn, new, "L", december), Shortfall)
        pay(conn, old, grant)
        found = row(conn, "SELECT * FROM api_keys WHERE id = :id", id=key.id)
        assert found is not None
        assert (found["used_tokens"], found["held_tokens"]) == (0, 200)

    await db.write(unit)


async def test_hold_counts_in_the_month_of_the_key_where_the_clock_is_behind(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        key = api_keys.add(conn, owner, api_keys.new_key(), KeySettings(name="dev", tokens_per_month=1000), NOW)
        assert not isinstance(
            holds.hold(conn, hold_request(owner, "a", key_id=key.id), "L", NOW + timedelta(days=10)), Shortfall
        )
        take(conn, hold_request(owner, "b", key_id=key.id))
        assert [found["key_month"] for found in conn.rows("SELECT key_month FROM holds")] == [202612, 202612]
        found = row(conn, "SELECT * FROM api_keys WHERE id = :id", id=key.id)
        assert found is not None
        assert (found["month"], found["held_tokens"]) == (202612, 400)

    await db.write(unit)


async def test_request_of_a_key_that_is_gone_cannot_be_held(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), key_id=10**6)
        with pytest.raises(HoldLost, match=asked.hold_id):
            holds.hold(conn, asked, "L", NOW)

    await db.write(unit)
