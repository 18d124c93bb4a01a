from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from engine.money import ZERO, Money
from storage.database.connection import Connection, ms, scalar
from storage.database.database import Database
from storage.groups import wallets
from storage.ledger.transfers import credit, debit_or_owe
from storage.reports import liability
from storage.reports.liability import Liability, StarTotals
from storage.teams import teams
from tests.storage.books import FREE, PRO, tenant

DAY = datetime(2026, 11, 24, tzinfo=UTC)
MS = timedelta(milliseconds=1)
PAYOUT = Money(13_000_000)


def payment(
    conn: Connection,
    owner: int,
    name: str,
    stars: int,
    paid: datetime,
    refunded: datetime | None = None,
) -> None:
    conn.run(
        "INSERT INTO payments (charge_id, tenant_id, stars, credited_nanousd, kind, paid_at, refunded_at)"
        " VALUES (:id, :owner, :stars, 0, 'topup', :paid, :refunded)",
        id=name,
        owner=owner,
        stars=stars,
        paid=ms(paid),
        refunded=ms(refunded) if refunded else None,
    )


def spend(conn: Connection, tenant_id: int, usd: str, kind: str = "debit") -> None:
    ref = f"spent:{scalar(conn, 'SELECT COUNT(*) FROM transfers')}"
    to = "house:stars" if kind == "refund" else "house:charges"
    debit_or_owe(conn, tenant_id, Money.usd(usd), kind=kind, to=to, ref=ref, reason="", now=DAY)


def pay(conn: Connection, tenant_id: int, usd: str) -> None:
    ref = f"paid:{scalar(conn, 'SELECT COUNT(*) FROM transfers')}"
    credit(conn, tenant_id, Money.usd(usd), ref=ref, reason="", now=DAY, source="house:stars")


async def test_stars_count_on_the_utc_day_of_payment_or_refund(db: Database) -> None:
    def unit(conn: Connection) -> StarTotals:
        ann = tenant(conn)
        payment(conn, ann, "before", 1, DAY - MS)
        payment(conn, ann, "first", 10, DAY)
        payment(conn, ann, "last", 100, DAY + timedelta(days=2) - MS)
        payment(conn, ann, "after", 1000, DAY + timedelta(days=2))
        payment(conn, ann, "refunded", 7, DAY - timedelta(days=9), DAY)
        payment(conn, ann, "refunded-later", 70, DAY - timedelta(days=9), DAY + timedelta(days=2))
        return liability.star_totals(conn, DAY.date(), DAY.date() + timedelta(days=1), PAYOUT)

    assert await db.write(unit) == StarTotals(110, 7, Money(103 * 13_000_000))


async def test_days_without_payments_have_no_stars(db: Database) -> None:
    read = await db.read(lambda conn: liability.star_totals(conn, DAY.date(), DAY.date(), PAYOUT))
    assert read == StarTotals(0, 0, ZERO)


@pytest.mark.parametrize(("rate", "allowances"), [(Fraction(5, 2), 2), (Fraction(7, 2), 4), (Fraction(29, 7), 4)])
async def test_liability_is_wallets_and_unused_allowances(db: Database, rate: Fraction, allowances: int) -> None:
    def unit(conn: Connection) -> Liability:
        for usd in ("1", "2"):
            pay(conn, tenant(conn), usd)
        pro = tenant(conn, plan=PRO)
        pay(conn, pro, "4")
        conn.run(
            "UPDATE accounts SET owed_nanousd = 3, allowance_tokens = 9, allowance_used_tokens = 8, period_ref = 'x'"
            " WHERE tenant_id = :id",
            id=pro,
        )
        return liability.liability(conn, {"pro": rate})

    found = await db.write(unit)
    assert found == Liability(Money.usd("7"), Money(allowances), Money(3))
    assert found.total == Money.usd("7") + Money(allowances)


async def test_held_tokens_are_still_a_liability(db: Database) -> None:
    def unit(conn: Connection) -> Liability:
        conn.run(
            "UPDATE accounts SET allowance_held_tokens = 500, period_ref = 'x' WHERE tenant_id = :id", id=tenant(conn)
        )
        return liability.liability(conn, {"free": Fraction(1)})

    assert (await db.write(unit)).allowances == Money(1_000)


@pytest.mark.parametrize(
    ("steps", "paid", "gifts"),
    [
        ("gift 1, pay 2", "2", "1"),
        ("gift 3, spend 3, pay 5, spend 4", "1", "0"),
        ("gift 3, pay 5, spend 4", "4", "0"),
        ("pay 10, spend 10, gift 8", "0", "8"),
        ("pay 10, spend 4, gift 8, spend 3", "6", "5"),
        ("gift 7, pay 7, refund 7", "0", "7"),
        ("pay 5, spend 5", "0", "0"),
        ("spend 3, gift 5", "0", "2"),  # 3 were owed
    ],
)
async def test_gifts_are_spent_first_and_are_no_liability(db: Database, steps: str, paid: str, gifts: str) -> None:
    def unit(conn: Connection) -> Liability:
        person = tenant(conn)
        for step in steps.split(", "):
            kind, usd = step.split()
            if kind == "gift":
                credit(conn, person, Money.usd(usd), ref=f"g{step}", reason="", now=DAY)
            elif kind == "pay":
                pay(conn, person, usd)
            else:
                spend(conn, person, usd, "refund" if kind == "refund" else "debit")
        return liability.liability(conn, {})

    found = await db.write(unit)
    assert (found.wallets, found.gifts) == (Money.usd(paid), Money.usd(gifts))
    assert found.total == Money.usd(paid)


@pytest.mark.parametrize("is_team", [False, True])
async def test_shared_wallet_was_paid_for_by_its_members(db: Database, is_team: bool) -> None:
    def unit(conn: Connection) -> Liability:
        plan = replace(FREE, tokens_per_month=0)
        if is_team:
            shared = teams.create(conn, tenant(conn, "0"), "Crew", plan, DAY)
            assert shared is not None
        else:
            shared = wallets.open_wallet(conn, -100, "Room", plan, DAY).wallet_id
        credit(conn, shared, Money.usd("4"), ref="g", reason="", now=DAY, source=wallets.HOUSE_GROUPS)
        return liability.liability(conn, {})

    found = await db.write(unit)
    assert (found.wallets, found.gifts) == (Money.usd("4"), ZERO)


async def test_tokens_of_a_plan_that_was_given_are_no_liability(db: Database) -> None:
    def unit(conn: Connection) -> Liability:
        tenant(conn, "0", PRO)
        return liability.liability(conn, {"pro": Fraction(1)})

    assert (await db.write(unit)).allowances == ZERO
