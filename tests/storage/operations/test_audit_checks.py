import pytest

from engine.money import Money
from storage.billing import codes
from storage.database.connection import Connection
from storage.database.database import Database
from storage.invoices import invoices
from storage.ledger import transfers
from storage.operations.audit import audit
from storage.operations.audit_checks import CHECKS
from storage.tenants import api_keys
from storage.tenants.api_keys import KeySettings
from tests.storage.books import DOUBLE, NOW, hold_request, pay, take, tenant
from tests.storage.invoiced import SELLER, at, damage, two_months

FURTHER_GUARDS = {
    "sqlite": (
        "DROP TRIGGER transfers_remain",
        "DROP TRIGGER resolved_holds_stay",
        "DROP TRIGGER attempts_stay",
        "DROP INDEX one_kept_attempt_per_request",
        "PRAGMA ignore_check_constraints = ON",
    ),
    "postgresql": (
        "ALTER TABLE holds DISABLE TRIGGER ALL",
        "ALTER TABLE holds DROP CONSTRAINT charge_within_hold",
        "ALTER TABLE accounts DROP CONSTRAINT holds_within_wallet",
        "ALTER TABLE accounts DROP CONSTRAINT wallet_not_negative",
        "ALTER TABLE invoices DROP CONSTRAINT invoice_adds_up",
        "DROP INDEX one_kept_attempt_per_request",
    ),
}
INVOICE_CHECKS = {"invoices", "invoice_lines", "invoice_numbers", "refunds", "stray_refunds", "codes", "keys"}
COLUMNS = (
    "request_id, ordinal, tenant_id, asked, provider, model, served, outcome, kept, estimated, duration_ms, started_at,"
    " day, charge_nanousd, allowance_tokens"
)


def used_wallet(conn: Connection) -> None:
    """Add a tenant with a top-up, five answers, an open hold, and a debt."""
    owner = tenant(conn, "1")
    for number in range(5):
        asked = hold_request(owner, f"r{number}", tariff=DOUBLE) if number % 2 else hold_request(owner, f"r{number}")
        pay(conn, asked, take(conn, asked))
    take(conn, hold_request(owner, "open", input_tokens=300))
    conn.run(
        "INSERT INTO payments (charge_id, tenant_id, stars, credited_nanousd, kind, paid_at)"
        " VALUES ('ch1', :t, 100, 1300000000, 'topup', 0)",
        t=owner,
    )
    transfers.credit(conn, owner, Money(1_300_000_000), ref="stars:ch1", reason="", now=NOW, source="house:stars")
    transfers.debit_or_owe(conn, owner, Money.usd("9"), kind="debit", to="house:x", ref="x", reason="", now=NOW)


async def invoiced(db: Database) -> None:
    """Add two invoices, a refund, a used and an unused code, a key with a captured and an open hold."""

    def unit(conn: Connection) -> int:
        owner = two_months(conn)
        used, _ = codes.make(conn, codes.TOPUP, 2, made_by=1, now=NOW, amount=Money.usd("3"))
        assert codes.redeem(conn, owner, used, at(7, month=12)).amount
        key = api_keys.add(conn, owner, api_keys.new_key(), KeySettings(name="dev", tokens_per_month=5000), NOW)
        asked = hold_request(owner, "keyed", key_id=key.id)
        pay(conn, asked, take(conn, asked))
        take(conn, hold_request(owner, "open", key_id=key.id))
        return owner

    owner = await db.write(unit)
    assert await invoices.issue_due(db, owner, SELLER, at(2, month=12)) == 2


async def damaged(db: Database, sql: str) -> dict[str, list[dict[str, object]]]:
    """Return the rows that each check finds after a change that bypasses the guards."""
    await db.write(lambda conn: damage(conn, sql, *FURTHER_GUARDS[conn.dialect]))
    found: dict[str, list[dict[str, object]]] = {}
    for problem in (await db.read(audit)).problems:
        found.setdefault(problem.check, []).append(problem.row)
    return found


async def test_audit_of_a_used_database_is_clean(db: Database) -> None:
    await db.write(used_wallet)
    report = await db.read(audit)
    assert report.ok, report.problems
    without_rows = {name for name, rows in report.checked.items() if not rows}
    assert without_rows == {*INVOICE_CHECKS, "audited_point", "returns", "shares"} - {"refunds", "stray_refunds"}


async def test_audit_of_invoices_refunds_codes_and_keys_is_clean(db: Database) -> None:
    await invoiced(db)
    report = await db.read(audit)
    assert report.ok, report.problems
    assert {name for name, rows in report.checked.items() if rows} >= INVOICE_CHECKS


def test_each_check_has_its_own_name_and_rule() -> None:
    assert len({check.name for check in CHECKS}) == len({check.rule for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize(
    ("check", "sql"),
    [
        ("balance", "UPDATE accounts SET balance_nanousd = balance_nanousd + 1"),
        ("balance", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE kind = 'charge'"),
        ("owed", "UPDATE accounts SET owed_nanousd = owed_nanousd - 1"),
        ("held", "UPDATE accounts SET held_nanousd = held_nanousd + 1"),
        ("allowance", "UPDATE accounts SET allowance_used_tokens = allowance_used_tokens - 1"),
        ("allowance", "UPDATE accounts SET allowance_held_tokens = 0"),
        ("not_negative", "UPDATE accounts SET balance_nanousd = -1"),
        ("not_negative", "UPDATE accounts SET held_nanousd = balance_nanousd + 1"),
        ("captures", "DELETE FROM attempts WHERE request_id = 'r1'"),
        ("captures", "UPDATE attempts SET charge_nanousd = charge_nanousd + 1 WHERE request_id = 'r1'"),
        ("answers", "UPDATE attempts SET request_id = 'missing' WHERE request_id = 'r1'"),
        ("answers", f"INSERT INTO attempts ({COLUMNS}) SELECT {COLUMNS} FROM attempts WHERE request_id = 'r1'"),
        ("charges", "DELETE FROM transfers WHERE ref = 'hold:r1:1'"),
        ("charges", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'hold:r1:1'"),
        ("charges", "UPDATE holds SET wallet_nanousd = charge_nanousd - 1 WHERE charge_nanousd > 0"),
        ("stray_charges", "UPDATE transfers SET ref = 'hold:missing:1' WHERE ref = 'hold:r1:1'"),
        ("payments", "UPDATE payments SET credited_nanousd = credited_nanousd + 1"),
        ("payments", "DELETE FROM transfers WHERE ref = 'stars:ch1'"),
        ("stray_payments", "DELETE FROM payments"),
    ],
)
async def test_damage_is_found_by_its_check(db: Database, check: str, sql: str) -> None:
    await db.write(used_wallet)
    found = await damaged(db, sql)
    assert found.get(check), found
    assert all(found[check])


@pytest.mark.parametrize(
    ("check", "sql"),
    [
        ("refunds", "UPDATE payments SET refunded_at = NULL"),
        ("refunds", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'refund:ch1'"),
        ("refunds", "DELETE FROM transfers WHERE ref = 'refund:ch1:owed'"),
        ("stray_refunds", "UPDATE transfers SET ref = 'refund:missing' WHERE ref = 'refund:ch1'"),
        ("stray_refunds", "UPDATE transfers SET ref = 'refund:missing:owed' WHERE ref = 'refund:ch1:owed'"),
        ("codes", "UPDATE codes SET used_by = NULL"),
        ("codes", "UPDATE codes SET used_by = 1 WHERE used_by IS NULL"),
        ("codes", "UPDATE codes SET nanousd = nanousd + 1 WHERE used_by IS NOT NULL"),
        ("stray_codes", "DELETE FROM codes WHERE used_by IS NOT NULL"),
        ("keys", "UPDATE api_keys SET used_tokens = used_tokens - 1"),
        ("keys", "UPDATE api_keys SET held_tokens = held_tokens + 1"),
        ("invoices", "UPDATE invoices SET moved_nanousd = moved_nanousd + 1 WHERE number = 2"),
        ("invoices", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'hold:r1:1'"),
        (
            "invoices",
            "UPDATE invoices SET opening_nanousd = opening_nanousd + 1, closing_nanousd = closing_nanousd + 1",
        ),
        ("invoice_lines", "UPDATE invoices SET services_nanousd = services_nanousd + 1 WHERE number = 2"),
        ("invoice_numbers", "DELETE FROM invoices WHERE number = 1"),
        ("invoice_numbers", "DELETE FROM invoices WHERE number = 2"),
    ],
)
async def test_damage_to_invoices_refunds_codes_and_keys_is_found(db: Database, check: str, sql: str) -> None:
    await invoiced(db)
    assert check in await damaged(db, sql)
