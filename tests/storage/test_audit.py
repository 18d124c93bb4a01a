from collections.abc import Callable

import pytest

from engine.money import Money
from storage import ledger
from storage.audit import audit
from storage.connection import Connection
from storage.database import Database
from tests.storage.books import DOUBLE, NOW, bid, pay, take, tenant

GUARDS = {
    "sqlite": (
        "DROP TRIGGER transfers_stay",
        "DROP TRIGGER transfers_remain",
        "DROP TRIGGER resolved_holds_stay",
        "PRAGMA ignore_check_constraints = ON",
    ),
    "postgresql": (
        "ALTER TABLE transfers DISABLE TRIGGER ALL",
        "ALTER TABLE holds DISABLE TRIGGER ALL",
        "ALTER TABLE accounts DROP CONSTRAINT holds_within_wallet",
        "ALTER TABLE accounts DROP CONSTRAINT wallet_not_negative",
        "DROP INDEX one_capture_per_request",
    ),
}


def lived(conn: Connection) -> None:
    """A tenant who topped up, asked five times, has one question open, and owes something."""
    owner = tenant(conn, "1")
    for number in range(5):
        asked = bid(owner, f"r{number}", tariff=DOUBLE) if number % 2 else bid(owner, f"r{number}")
        pay(conn, asked, take(conn, asked))
    take(conn, bid(owner, "open", input_tokens=300))
    conn.run(
        "INSERT INTO payments (charge_id, tenant_id, stars, credited_nanousd, kind, paid_at)"
        " VALUES ('ch1', :t, 100, 1300000000, 'topup', 0)",
        t=owner,
    )
    ledger.credit(conn, owner, Money(1_300_000_000), ref="stars:ch1", reason="", now=NOW, source="house:stars")
    ledger.debit_or_owe(
        conn, owner, Money.usd("9"), kind="refund", to="house:stars", ref="refund:x", reason="", now=NOW
    )


def unguard(conn: Connection) -> None:
    for sql in GUARDS[conn.dialect]:
        conn.run(sql)


async def test_a_lived_in_database_is_clean(db: Database) -> None:
    await db.write(lived)
    report = await db.read(audit)
    assert report.ok, report.problems
    looked = {name: rows for name, rows in report.checked.items() if not name.startswith("invoice")}
    assert all(looked.values()), "each check looked at something"


async def test_an_empty_database_is_clean(db: Database) -> None:
    assert (await db.read(audit)).ok


@pytest.mark.parametrize(
    ("check", "harm"),
    [
        ("balance", "UPDATE accounts SET balance_nanousd = balance_nanousd + 1"),
        ("balance", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE kind = 'charge'"),
        ("owed", "UPDATE accounts SET owed_nanousd = owed_nanousd - 1"),
        ("held", "UPDATE accounts SET held_nanousd = held_nanousd + 1"),
        ("allowance", "UPDATE accounts SET allowance_used_tokens = allowance_used_tokens - 1"),
        ("allowance", "UPDATE accounts SET allowance_held_tokens = 0"),
        ("not_negative", "UPDATE accounts SET balance_nanousd = -1"),
        ("captures", "DELETE FROM attempts WHERE request_id = 'r1'"),
        ("captures", "UPDATE attempts SET charge_nanousd = charge_nanousd + 1 WHERE request_id = 'r1'"),
        ("answers", "UPDATE attempts SET hold_id = 'nowhere' WHERE request_id = 'r1'"),
        ("charges", "DELETE FROM transfers WHERE ref = 'hold:r1:1'"),
        ("charges", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'hold:r1:1'"),
        ("stray_charges", "UPDATE transfers SET ref = 'hold:nowhere:1' WHERE ref = 'hold:r1:1'"),
        ("payments", "UPDATE payments SET credited_nanousd = credited_nanousd + 1"),
        ("payments", "DELETE FROM transfers WHERE ref = 'stars:ch1'"),
        ("stray_payments", "DELETE FROM payments"),
    ],
)
async def test_each_harm_is_found_under_its_name(db: Database, check: str, harm: str) -> None:
    await db.write(lived)
    await db.write(_harm(harm))
    report = await db.read(audit)
    assert not report.ok
    found = [problem for problem in report.problems if problem.check == check]
    assert found, report.problems
    assert all(problem.row for problem in found)


async def test_a_request_that_was_paid_twice_is_found(db: Database) -> None:
    def unit(conn: Connection) -> None:
        lived(conn)
        if conn.dialect == "sqlite":
            conn.run("DROP INDEX one_capture_per_request")
        else:
            unguard(conn)
        conn.run(
            "INSERT INTO holds (id, request_id, epoch, tenant_id, key_month, state, wallet_nanousd,"
            " allowance_tokens, tokens, period_no, lease_id, created_at, charge_nanousd,"
            " charged_allowance_tokens) SELECT 'again', request_id, 2, tenant_id, key_month, state,"
            " 0, 0, 0, period_no, lease_id, 0, 0, 0 FROM holds WHERE request_id = 'r1'"
        )

    await db.write(unit)
    assert "one_answer" in {problem.check for problem in (await db.read(audit)).problems}


def _harm(sql: str) -> Callable[[Connection], None]:
    def unit(conn: Connection) -> None:
        unguard(conn)
        assert conn.run(sql)

    return unit
