"""Triggers and CHECKs that protect the ledger's rows, and the view of both sides of each transfer."""

from functools import partial

import pytest

from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import holds
from tests.storage.books import DOUBLE, NOW, account, check_books, hold_request, pay, take, tenant


def run(conn: Connection, sql: str) -> None:
    conn.run(sql)


def prepare(conn: Connection) -> None:
    """Make a captured hold, an open one and a void one."""
    owner = tenant(conn, "1")
    paid, void = hold_request(owner, "paid", tariff=DOUBLE), hold_request(owner, "void", epoch=2)
    pay(conn, paid, take(conn, paid))
    take(conn, hold_request(owner, "open"))
    take(conn, void)
    holds.void(conn, void.hold_id, NOW)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE transfers SET amount_nanousd = amount_nanousd + 1",
        "UPDATE transfers SET ref = 'x'",
        "DELETE FROM transfers",
        "UPDATE holds SET state = 'open' WHERE request_id = 'paid'",
        "UPDATE holds SET charge_nanousd = 0 WHERE request_id = 'paid'",
        "UPDATE holds SET state = 'captured' WHERE request_id = 'void'",
        "UPDATE holds SET state = 'open' WHERE request_id = 'void'",
        "DELETE FROM holds WHERE request_id = 'paid'",
        "DELETE FROM holds WHERE request_id = 'open'",
        "UPDATE attempts SET cost_nanousd = 0",
        "DELETE FROM attempts",
        "UPDATE accounts SET balance_nanousd = -1, held_nanousd = -1",
        "UPDATE accounts SET held_nanousd = balance_nanousd + 1",
        "UPDATE accounts SET owed_nanousd = -1",
        "UPDATE accounts SET allowance_used_tokens = -1",
        "UPDATE accounts SET allowance_held_tokens = allowance_tokens + 1",
        "UPDATE holds SET state = 'unknown' WHERE request_id = 'open'",
    ],
)
async def test_protected_rows_cannot_be_changed(db: Database, sql: str) -> None:
    await db.write(prepare)
    with pytest.raises(Exception, match=r"(?i)never|constraint"):
        await db.write(partial(run, sql=sql))
    await db.read(check_books)


async def test_void_hold_may_be_replaced_by_a_later_epoch_and_deleted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        prepare(conn)
        assert conn.run("UPDATE holds SET state = 'open', epoch = 3 WHERE request_id = 'void'") == 1
        assert conn.run("UPDATE holds SET state = 'void' WHERE request_id = 'void'") == 1
        assert conn.run("DELETE FROM holds WHERE request_id = 'void'") == 1

    await db.write(unit)


async def test_view_lists_both_sides_of_each_transfer(db: Database) -> None:
    def unit(conn: Connection) -> None:
        prepare(conn)
        (owner,) = (found["id"] for found in conn.rows("SELECT id FROM tenants"))
        sql = "SELECT account, SUM(amount_nanousd) AS n FROM ledger_entries GROUP BY account"
        sums = {found["account"]: int(found["n"]) for found in conn.rows(sql)}
        assert sum(sums.values()) == 0
        assert sums[f"tenant:{owner}"] == account(conn, owner)["balance_nanousd"]
        assert sums["house:charges"] == 10**9 - account(conn, owner)["balance_nanousd"]

    await db.write(unit)
