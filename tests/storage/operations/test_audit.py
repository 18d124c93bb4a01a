from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import transfers
from storage.operations import audit as audit_module
from storage.operations.audit import advance, audit, audited_point, settled_point
from tests.storage.books import DOUBLE, NOW, bid, pay, take, tenant

GUARDS = {
    "sqlite": (
        "DROP TRIGGER transfers_stay",
        "DROP TRIGGER transfers_remain",
        "DROP TRIGGER resolved_holds_stay",
        "DROP TRIGGER attempts_stay",
        "DROP TRIGGER attempts_remain",
        "PRAGMA ignore_check_constraints = ON",
    ),
    "postgresql": (
        "ALTER TABLE transfers DISABLE TRIGGER ALL",
        "ALTER TABLE holds DISABLE TRIGGER ALL",
        "ALTER TABLE attempts DISABLE TRIGGER ALL",
        "ALTER TABLE accounts DROP CONSTRAINT holds_within_wallet",
        "ALTER TABLE accounts DROP CONSTRAINT wallet_not_negative",
        "DROP INDEX one_kept_attempt_per_request",
    ),
}


UNLIVED = ("invoice", "audited", "codes", "keys")


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
    transfers.credit(conn, owner, Money(1_300_000_000), ref="stars:ch1", reason="", now=NOW, source="house:stars")
    transfers.debit_or_owe(conn, owner, Money.usd("9"), kind="debit", to="house:x", ref="x", reason="", now=NOW)


def unguard(conn: Connection) -> None:
    for sql in GUARDS[conn.dialect]:
        conn.run(sql)


async def test_a_lived_in_database_is_clean(db: Database) -> None:
    await db.write(lived)
    report = await db.read(audit)
    assert report.ok, report.problems
    looked = {name: rows for name, rows in report.checked.items() if not name.startswith(UNLIVED)}
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
        ("answers", "UPDATE attempts SET request_id = 'nowhere' WHERE request_id = 'r1'"),
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


async def test_a_request_that_was_answered_twice_is_found(db: Database) -> None:
    def unit(conn: Connection) -> None:
        lived(conn)
        if conn.dialect == "sqlite":
            conn.run("DROP INDEX one_kept_attempt_per_request")
        else:
            unguard(conn)
        columns = (
            "request_id, ordinal, tenant_id, asked, provider, model, served, outcome, kept, estimated, duration_ms,"
            " started_at, day, charge_nanousd, allowance_tokens"
        )
        conn.run(f"INSERT INTO attempts ({columns}) SELECT {columns} FROM attempts WHERE request_id = 'r1'")

    await db.write(unit)
    assert "answers" in {problem.check for problem in (await db.read(audit)).problems}


async def test_the_audit_rolls_forward_from_the_last_audited_point(db: Database) -> None:
    await db.write(lived)
    later = NOW + timedelta(hours=1)
    while not await db.write(lambda conn: advance(conn, settled_point(conn, later))):
        pass
    point = await db.read(audited_point)
    assert point.transfer > 0
    rolled, full = await db.read(audit), await db.read(partial(audit, full=True))
    assert rolled.ok, rolled.problems
    assert full.ok, full.problems
    assert rolled.checked["two_sides"] == 0 < full.checked["two_sides"]

    def more(conn: Connection) -> None:
        asked = bid(tenant(conn, "1"), "r9", tariff=DOUBLE)
        pay(conn, asked, take(conn, asked))

    await db.write(more)
    report = await db.read(audit)
    assert report.ok, report.problems
    assert report.checked["two_sides"] == 2


@pytest.mark.parametrize(
    ("check", "harm", "full"),
    [
        ("balance", "UPDATE accounts SET balance_nanousd = balance_nanousd + 1", False),
        ("balance", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'hold:r1:1'", True),
        ("audited_point", "UPDATE audited_balances SET sum_nanousd = sum_nanousd + 1", True),
        ("balance", "UPDATE audited_balances SET sum_nanousd = sum_nanousd + 1 WHERE account = 'tenant:1'", False),
    ],
)
async def test_harm_to_what_was_audited_before_is_found(db: Database, check: str, harm: str, full: bool) -> None:
    await db.write(lived)
    await db.write(lambda conn: advance(conn, settled_point(conn, NOW + timedelta(hours=1))))
    await db.write(_harm(harm))
    found = (await db.read(partial(audit, full=full))).problems
    assert check in {problem.check for problem in found}


async def test_the_point_moves_in_chunks_that_hold_nobody_up(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await db.write(lived)
    monkeypatch.setattr(audit_module, "CHUNK", 2)
    end = await db.read(lambda conn: settled_point(conn, NOW + timedelta(hours=1)))
    units = 1
    while not await db.write(lambda conn: advance(conn, end)):
        units += 1
    assert units == -(-end.transfer // 2)
    assert (await db.read(audit)).ok


def _harm(sql: str) -> Callable[[Connection], None]:
    def unit(conn: Connection) -> None:
        unguard(conn)
        assert conn.run(sql)

    return unit
