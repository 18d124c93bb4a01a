"""The journal's rows, and the worth of the allowance tokens that paid."""

from decimal import Decimal
from fractions import Fraction

import pytest
from msgspec.structs import replace

from engine.attempt_record import AttemptRecord, Receipt
from engine.chat import Usage
from engine.money import ZERO, Money
from engine.tenancy import Charge, Plan
from storage.database.connection import Connection, ms, row
from storage.database.database import Database
from storage.ledger import holds_sql, journal
from storage.ledger.journal import (
    SqlJournal,
    allowance_rates,
    allowance_worth,
    attempt_row,
    read_receipt,
    receipt_text,
)
from tests.builders import NOON, attempt
from tests.storage.books import FREE, PRO, check_books

USAGE = Usage(input_tokens=100, output_tokens=50, cached_tokens=40, cache_write_tokens=10, reasoning_tokens=20,
              estimated=True, is_disputed=True)  # fmt: skip
FULL = attempt(
    request_id="r9",
    ordinal=2,
    tenant_id=7,
    key_id=8,
    asked="smart",
    served="other-model",
    status=200,
    usage=USAGE,
    cost=Money(900),
    waste=Money(100),
    detail="the prompt was: canary",
)


async def test_every_column_has_the_value_of_its_field(db: Database) -> None:
    def unit(conn: Connection) -> None:
        journal.record(conn, FULL, charge=Charge(Money(70), 5), allowance_worth=Money(25))
        found = row(conn, "SELECT * FROM attempts")
        assert found is not None
        assert {name: found[name] for name in holds_sql.ATTEMPT} == {
            "request_id": "r9",
            "ordinal": 2,
            "tenant_id": 7,
            "key_id": 8,
            "asked": "smart",
            "provider": "deepseek",
            "model": "deepseek-v4-flash",
            "served": "other-model",
            "outcome": "answered",
            "status": 200,
            "kept": True,
            "estimated": True,
            "disputed": True,
            "input_tokens": 100,
            "cached_tokens": 40,
            "cache_write_tokens": 10,
            "output_tokens": 50,
            "reasoning_tokens": 20,
            "cost_nanousd": 900,
            "waste_nanousd": 100,
            "charge_nanousd": 70,
            "allowance_tokens": 5,
            "allowance_nanousd": 25,
            "first_token_ms": 300,
            "duration_ms": 900,
            "started_at": ms(NOON),
            "day": 20_261_124,
        }
        assert "canary" not in str(found)

    await db.write(unit)


def test_row_has_a_value_for_each_column() -> None:
    assert len(attempt_row(FULL, Charge(), ZERO)) == len(holds_sql.ATTEMPT) == len(holds_sql.ATTEMPT_VALUES)


@pytest.mark.parametrize("failed", [attempt(outcome="timeout"), attempt(outcome="overloaded", tenant_id=None)])
async def test_attempt_that_was_not_kept_is_journaled_without_charge(db: Database, failed: AttemptRecord) -> None:
    await SqlJournal(db).record(failed)
    found = await db.read(lambda conn: row(conn, "SELECT * FROM attempts"))
    assert found is not None
    assert (found["outcome"], bool(found["kept"]), found["tenant_id"]) == (failed.outcome, False, failed.tenant_id)
    assert (found["charge_nanousd"], found["allowance_tokens"], found["input_tokens"]) == (0, 0, 0)
    assert found["first_token_ms"] is None
    await db.read(check_books)


def test_allowance_token_is_worth_its_share_of_the_plans_price() -> None:
    no_tokens = Plan(
        name="payg", usd_per_month=Money.usd("5"), tokens_per_month=0, requests_per_minute=1, max_output_tokens=1
    )
    rates = allowance_rates({"free": FREE, "pro": PRO, "payg": no_tokens})
    assert rates == {"free": 0, "pro": Fraction(29 * 10**9, 7_000_000), "payg": 0}


@pytest.mark.parametrize(
    ("tokens", "plan", "worth"),
    [(1_000, "pro", 4_142_857), (1, "pro", 4_143), (0, "pro", 0), (1_000, "free", 0), (1_000, "gone", 0)],
)
def test_worth_of_an_allowance_is_rounded_to_nano_dollars(tokens: int, plan: str, worth: int) -> None:
    rates = allowance_rates({"free": FREE, "pro": PRO})
    assert allowance_worth(Charge(Money(9), tokens), rates, plan) == Money(worth)


@pytest.mark.parametrize("bill", [None, Decimal("0.00000123456789012345")])
def test_receipt_is_read_as_it_was_written(bill: Decimal | None) -> None:
    receipt = Receipt("r9", "smart", NOON, (), (), (replace(FULL, usage=replace(USAGE, cost_usd=bill)),), Money(7))
    assert read_receipt(receipt_text(receipt)) == receipt
