"""Charges given back: once, with their tokens, and only from captured holds."""

from datetime import timedelta

from engine.money import Money
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import daily_answers
from storage.ledger.returns import give_back
from storage.operations.audit import audit
from storage.reports import rollups
from tests.storage.books import NOW, account, bill, check_books, hold_request, pay, take, tenant


def charged(conn: Connection) -> int:
    """Let a tenant pay for 1,100 tokens: 1,000 from its plan and 100 from its wallet."""
    asked = hold_request(tenant(conn, "1"), input_tokens=900, output_tokens=300)
    pay(conn, asked, take(conn, asked), tokens=1100)
    return asked.tenant_id


async def test_charge_is_given_back_once_and_the_books_stay_true(db: Database) -> None:
    def unit(conn: Connection) -> None:
        tenant_id = charged(conn)
        assert give_back(conn, "r1", NOW) == Charge(Money(500_000), 1000)
        assert give_back(conn, "r1", NOW) is None
        books = account(conn, tenant_id)
        assert (books["balance_nanousd"], books["allowance_used_tokens"]) == (10**9, 0)
        assert daily_answers.count(conn, tenant_id, NOW) == 0
        check_books(conn)

    await db.write(unit)


async def test_cost_becomes_waste_and_sums_of_the_day_are_zero(db: Database) -> None:
    def unit(conn: Connection) -> None:
        charged(conn)
        rollups.roll_up_chunk(conn, rollups.last_committed(conn))
        give_back(conn, "r1", NOW)
        rollups.roll_up_chunk(conn, rollups.last_committed(conn))
        (day,) = conn.rows(
            "SELECT SUM(prompts) AS n, SUM(charge_nanousd) AS charge, SUM(allowance_tokens) AS tokens,"
            " SUM(cost_nanousd) AS cost, SUM(waste_nanousd) AS waste FROM tenant_days"
        )
        assert (day["n"], day["charge"], day["tokens"], day["cost"]) == (1, 0, 0, 0)
        assert day["waste"] == 1100 * 1000
        attempts = conn.rows("SELECT SUM(attempts) AS n FROM provider_days")
        assert int(attempts[0]["n"]) == 1

    await db.write(unit)


async def test_tokens_of_a_past_period_are_not_given_back(db: Database) -> None:
    def unit(conn: Connection) -> None:
        tenant_id = charged(conn)
        next_period = "UPDATE accounts SET period_no = period_no + 1, allowance_used_tokens = 0 WHERE tenant_id = :id"
        conn.run(next_period, id=tenant_id)
        assert give_back(conn, "r1", NOW + timedelta(days=30)) == Charge(Money(500_000), 0)
        assert account(conn, tenant_id)["allowance_used_tokens"] == 0
        check_books(conn)

    await db.write(unit)


async def test_open_or_unknown_hold_has_nothing_to_give_back(db: Database) -> None:
    def unit(conn: Connection) -> None:
        take(conn, hold_request(tenant(conn, "1")))
        assert give_back(conn, "r1", NOW) is None
        assert give_back(conn, "r2", NOW) is None

    await db.write(unit)


async def test_audit_finds_a_return_that_was_not_posted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        tenant_id = charged(conn)
        conn.run(
            "INSERT INTO returned_charges (request_id, tenant_id, period_no, charge_nanousd, allowance_tokens,"
            " returned_at) VALUES ('r1', :id, 0, 500000, 0, 0)",
            id=tenant_id,
        )
        assert "returns" in str(audit(conn).problems)

    await db.write(unit)


def test_bill_of_the_helpers_costs_what_the_tests_expect() -> None:
    assert bill(hold_request(1), 1100).cost_atto == 1100 * 10**12
