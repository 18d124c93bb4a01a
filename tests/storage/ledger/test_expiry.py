"""Expiry of holds whose process has died."""

from engine.money import ZERO
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import holds
from storage.ledger.expiry import expire_holds, has_expired, held_money, open_holds
from tests.storage.books import DOUBLE, NOW, account, check_books, hold_request, pay, take, tenant


def states(conn: Connection) -> dict[str, str]:
    return {found["request_id"]: found["state"] for found in conn.rows("SELECT request_id, state FROM holds")}


async def test_only_holds_of_dead_leases_expire(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        take(conn, hold_request(owner, "a"), "dead")
        take(conn, hold_request(owner, "b"), "alive")
        held = account(conn, owner)["allowance_held_tokens"]
        assert open_holds(conn) == 2
        assert expire_holds(conn, NOW, lambda lease_id: lease_id == "dead") == ["a:1"]
        assert open_holds(conn) == 1
        assert states(conn) == {"a": "expired", "b": "open"}
        assert [has_expired(conn, each) for each in ("a:1", "a:2", "b:1", "a")] == [True, False, False, False]
        assert account(conn, owner)["allowance_held_tokens"] == held // 2
        check_books(conn)

    await db.write(unit)


async def test_money_of_open_holds_is_that_of_the_wallets(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        assert held_money(conn) == ZERO
        first, second = hold_request(owner, "a", tariff=DOUBLE), hold_request(owner, "b", tariff=DOUBLE)
        held = take(conn, first).wallet + take(conn, second).wallet
        assert held_money(conn) == held > ZERO
        holds.void(conn, first.hold_id, NOW)
        assert held_money(conn) < held

    await db.write(unit)


async def test_resolved_holds_of_dead_leases_stay(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        paid, voided = hold_request(owner, "paid"), hold_request(owner, "voided")
        pay(conn, paid, take(conn, paid, "dead"))
        take(conn, voided, "dead")
        holds.void(conn, voided.hold_id, NOW)
        assert expire_holds(conn, NOW, lambda _: True) == []
        assert states(conn) == {"paid": "captured", "voided": "void"}

    await db.write(unit)


async def test_one_run_expires_at_most_500_holds(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1000")
        for number in range(501):
            take(conn, hold_request(owner, f"r{number}"), "dead")
        assert len(expire_holds(conn, NOW, lambda _: True)) == 500
        assert open_holds(conn) == 1

    await db.write(unit)


async def test_limit_bounds_one_run_and_the_next_run_continues(db: Database) -> None:
    """The holds are voided in the order of their tenants, so that accounts are locked in one order."""

    def unit(conn: Connection) -> None:
        first, second = tenant(conn, "1"), tenant(conn, "1")
        for number, owner in enumerate((second, first, second, first)):
            take(conn, hold_request(owner, f"r{number}"), f"dead {number % 2}")
        assert expire_holds(conn, NOW, lambda _: True, limit=3) == ["r1:1", "r3:1", "r0:1"]
        assert expire_holds(conn, NOW, lambda _: True, limit=3) == ["r2:1"]
        check_books(conn)

    await db.write(unit)
