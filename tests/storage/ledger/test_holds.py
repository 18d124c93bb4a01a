"""Hold, capture and void of one request."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from engine.errors import HoldLost
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage.billing import plans
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.ledger import holds
from tests.storage.books import (
    DOUBLE,
    FREE,
    NOW,
    PRO,
    RATES,
    account,
    bill,
    check_books,
    hold_request,
    pay,
    shortfall_of,
    take,
    tenant,
)


async def test_allowance_pays_before_the_wallet(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), input_tokens=900, output_tokens=300)
        grant = take(conn, asked)
        assert (grant.allowance_tokens, grant.wallet) == (1000, Money(200 * 5000))
        assert pay(conn, asked, grant, tokens=1100) == Charge(Money(100 * 5000), 1000)
        books = account(conn, asked.tenant_id)
        assert (books["allowance_used_tokens"], books["allowance_held_tokens"]) == (1000, 0)
        assert (books["balance_nanousd"], books["held_nanousd"]) == (10**9 - 500_000, 0)
        check_books(conn)

    await db.write(unit)


async def test_markup_is_paid_from_the_wallet_only(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), tariff=DOUBLE)
        charge = pay(conn, asked, take(conn, asked), tokens=150)
        assert charge == Charge(Money(2 * 150 * 1000), 0)
        assert account(conn, asked.tenant_id)["allowance_used_tokens"] == 0
        check_books(conn)

    await db.write(unit)


async def test_charge_never_exceeds_its_hold(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), tariff=DOUBLE)
        grant = take(conn, asked)
        assert pay(conn, asked, grant, tokens=10**6).wallet == grant.wallet
        check_books(conn)

    await db.write(unit)


async def test_shortfall_names_the_missing_amount_and_holds_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        poor = tenant(conn)
        missing = shortfall_of(conn, hold_request(poor, tariff=DOUBLE)).missing
        assert missing == Money(2 * 164 * 1000)
        assert account(conn, poor)["held_nanousd"] == 0
        assert scalar(conn, "SELECT count(*) AS n FROM holds") == 0

    await db.write(unit)


async def test_two_holds_cannot_take_the_same_money(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "0.0004")  # one answer of 200 tokens at 2,000 nano-dollars each
        take(conn, hold_request(owner, "a", tariff=DOUBLE))
        shortfall_of(conn, hold_request(owner, "b", tariff=DOUBLE))

    await db.write(unit)


async def test_void_releases_the_funds_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), input_tokens=1000)
        take(conn, asked)
        assert holds.void(conn, asked.hold_id, NOW)
        assert not holds.void(conn, asked.hold_id, NOW)
        books = account(conn, asked.tenant_id)
        assert (books["held_nanousd"], books["allowance_held_tokens"]) == (0, 0)
        check_books(conn)

    await db.write(unit)


async def test_hold_of_a_request_with_a_colon_in_its_id_is_voided(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), "chat:7")
        take(conn, asked)
        assert holds.void(conn, asked.hold_id, NOW)

    await db.write(unit)


async def test_voided_hold_cannot_be_captured(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"))
        grant = take(conn, asked)
        holds.void(conn, asked.hold_id, NOW)
        with pytest.raises(HoldLost, match=asked.hold_id):
            pay(conn, asked, grant)
        check_books(conn)

    await db.write(unit)


async def test_hold_is_captured_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"))
        grant = take(conn, asked)
        pay(conn, asked, grant)
        with pytest.raises(HoldLost, match=asked.hold_id):
            pay(conn, asked, grant)
        check_books(conn)

    await db.write(unit)


async def test_capture_after_the_period_does_not_change_the_new_allowance(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn), input_tokens=500)
        grant = take(conn, asked)
        plans.start_plan(conn, asked.tenant_id, FREE, NOW + timedelta(days=30))
        assert pay(conn, asked, grant, tokens=550) == Charge(ZERO, 550)
        books = account(conn, asked.tenant_id)
        assert (books["allowance_used_tokens"], books["allowance_held_tokens"]) == (0, 0)
        check_books(conn)

    await db.write(unit)


async def test_allowance_that_was_released_meanwhile_pays_before_the_wallet(db: Database) -> None:
    for is_same_period, charge in ((True, Charge(ZERO, 150)), (False, Charge(Money(150 * 5000), 0))):

        def unit(conn: Connection, *, is_same_period: bool = is_same_period, charge: Charge = charge) -> None:
            owner = tenant(conn, "1")
            first = hold_request(owner, f"a{is_same_period}", input_tokens=900)
            second = hold_request(owner, f"b{is_same_period}", input_tokens=100)
            take(conn, first)
            grant = take(conn, second)
            assert grant.allowance_tokens == 0
            holds.void(conn, first.hold_id, NOW)
            if not is_same_period:
                plans.start_plan(conn, owner, FREE, NOW + timedelta(days=30))
            assert pay(conn, second, grant, tokens=150) == charge
            check_books(conn)

        await db.write(unit)


async def test_void_after_the_period_releases_no_allowance(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn), input_tokens=500)
        take(conn, asked)
        plans.start_plan(conn, asked.tenant_id, FREE, NOW + timedelta(days=30))
        holds.void(conn, asked.hold_id, NOW)
        assert account(conn, asked.tenant_id)["allowance_held_tokens"] == 0
        check_books(conn)

    await db.write(unit)


async def test_capture_journals_the_worth_of_the_allowance(db: Database) -> None:
    def unit(conn: Connection) -> int:
        asked = hold_request(tenant(conn, plan=PRO), input_tokens=700, output_tokens=300)
        pay(conn, asked, take(conn, asked), tokens=1000)
        return int(scalar(conn, "SELECT allowance_nanousd FROM attempts"))

    assert await db.write(unit) == round(1000 * RATES["pro"])


async def test_row_of_an_attempt_is_short_and_contains_no_prompt(db: Database) -> None:
    """A row has at most 300 bytes, with the longest built-in model name and large numbers."""

    def unit(conn: Connection) -> int:
        asked = hold_request(
            tenant(conn, "1000"), f"req-{'f' * 32}", tariff=DOUBLE, input_tokens=10**5, output_tokens=10**5
        )
        bought = bill(asked, tokens=123_456)
        long = replace(
            bought.attempt,
            provider="openrouter",
            model="deepseek/deepseek-v4-flash",
            detail="the prompt was: canary",
            status=200,
            duration_ms=300_000,
        )
        holds.capture(conn, asked, take(conn, asked), replace(bought, attempt=long), rates=RATES, now=NOW)
        assert "canary" not in str(conn.rows("SELECT * FROM attempts"))
        if conn.dialect == "postgresql":
            return int(scalar(conn, "SELECT pg_column_size(a.*) AS n FROM attempts a"))
        return int(scalar(conn, "SELECT SUM(payload) AS n FROM dbstat WHERE name = 'attempts'"))

    assert await db.write(unit) <= 300
