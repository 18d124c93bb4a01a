from datetime import date, timedelta

import pytest

from engine.chat import Usage
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports import rollups, usage
from storage.reports.usage import OfferTotals, TenantShare, UsageRow, UsageTotals
from tests.storage.books import tenant
from tests.storage.reports.attempts import NOON, attempt, failure, write

TODAY = NOON.date()
DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
MS = timedelta(milliseconds=1)


def usage_row(charge: int = 70, worth: int = 25, cost: int = 90, waste: int = 10) -> UsageRow:
    return UsageRow(TODAY, "m", "p", 1, 30, 20, 5, Money(charge), Money(cost), Money(waste), Money(worth))


def test_margin_is_revenue_less_cost_and_waste() -> None:
    row = usage_row()
    assert (row.tokens, row.margin) == (50, Money(70 + 25 - 90 - 10))


def test_totals_are_the_sums_of_the_rows() -> None:
    totals = UsageTotals.of([usage_row(), usage_row(charge=30, worth=0, cost=1, waste=2)])
    assert totals == UsageTotals(2, 100, 10, Money(100), Money(25), Money(91), Money(12))
    assert (totals.sold, totals.margin) == (Money(125), Money(22))
    assert UsageTotals.of([]) == UsageTotals(0, 0, 0, ZERO, ZERO, ZERO, ZERO)


@pytest.mark.parametrize(
    ("row", "percent"),
    [
        (usage_row(charge=100, worth=0, cost=40, waste=0), "60.0"),
        (usage_row(charge=0, worth=300, cost=100, waste=0), "66.7"),
        (usage_row(charge=100, worth=0, cost=140, waste=10), "-50.0"),
        (usage_row(charge=0, worth=0), None),
    ],
)
def test_margin_percent_is_of_the_revenue(row: UsageRow, percent: str | None) -> None:
    assert UsageTotals.of([row]).margin_percent == percent


def test_stored_day_is_a_date() -> None:
    assert usage.day_from(20_261_124) == date(2026, 11, 24)


@pytest.mark.parametrize("rolled_up", [False, True])
async def test_usage_is_grouped_by_day_model_and_provider(db: Database, rolled_up: bool) -> None:
    def unit(conn: Connection) -> None:
        charge = Charge(Money(70), 5)
        write(conn, attempt("a"), attempt("b", tenant_id=2, waste=Money(10)), charge=charge, worth=Money(25))
        write(conn, attempt("c", started_at=MIDNIGHT - MS), attempt("d", started_at=MIDNIGHT + DAY))
        write(conn, attempt("e", model="v3"), attempt("f", provider="gemini", model="flash"), failure("g"))
        write(conn, failure("without-cost", provider="mistral"))

    await db.write(unit)
    if rolled_up:
        await rollups.catch_up(db)
    rows = await db.read(lambda conn: usage.rows(conn, TODAY, TODAY))
    assert [(row.model, row.provider, row.prompts) for row in rows] == [
        ("deepseek-v4-flash", "deepseek", 2),
        ("flash", "gemini", 1),
        ("v3", "deepseek", 1),
    ]
    first = rows[0]
    assert (first.input_tokens, first.output_tokens, first.allowance_tokens) == (60, 40, 10)
    assert (first.charge, first.cost, first.waste, first.allowance_worth) == tuple(map(Money, (140, 190, 10, 50)))
    (own,) = await db.read(lambda conn: usage.rows(conn, TODAY - DAY, TODAY + DAY, 2))
    assert (own.day, own.prompts, own.cost) == (TODAY, 1, Money(90))
    assert len(await db.read(lambda conn: usage.rows(conn, TODAY - DAY, TODAY + DAY))) == 5


@pytest.mark.parametrize("rolled_up", [False, True])
async def test_provider_spending_includes_waste_and_both_days(db: Database, rolled_up: bool) -> None:
    def unit(conn: Connection) -> None:
        write(conn, attempt("a", waste=Money(40)), attempt("b", started_at=MIDNIGHT + DAY - MS))
        write(conn, attempt("c", started_at=MIDNIGHT - MS), attempt("d", started_at=MIDNIGHT + DAY))
        write(conn, failure("e", tenant_id=None, cost=Money(7), waste=Money(7)))

    await db.write(unit)
    if rolled_up:
        await rollups.catch_up(db)
    spent = [await db.read(lambda conn, n=n: usage.provider_spend(conn, TODAY, TODAY + n * DAY)) for n in (0, 1)]  # type: ignore[misc]
    assert spent == [Money(207), Money(307)]
    assert await db.read(lambda conn: usage.provider_spend(conn, TODAY - 9 * DAY, TODAY - 9 * DAY)) == ZERO


async def test_top_tenants_have_the_most_tokens(db: Database) -> None:
    def unit(conn: Connection) -> list[TenantShare]:
        first, second, third, idle = (tenant(conn) for _ in range(4))
        for name, owner, tokens in (("a", first, 10), ("b", second, 99), ("c", third, 5), ("d", third, 5)):
            write(conn, attempt(name, tenant_id=owner, usage=Usage(tokens, 0)), charge=Charge(Money(3)))
        write(conn, failure("e", tenant_id=idle, cost=Money(9), waste=Money(9)))
        write(conn, attempt("f", tenant_id=first, usage=Usage(500, 0), started_at=NOON + DAY))
        return usage.top_tenants(conn, TODAY, TODAY, 9) + usage.top_tenants(conn, TODAY, TODAY, 1)

    found = await db.write(unit)
    assert [(each.tenant_id, each.prompts, each.tokens) for each in found] == [
        (2, 1, 99),
        (1, 1, 10),
        (3, 2, 10),
        (2, 1, 99),
    ]
    assert found[0] == TenantShare(2, "Ann", 1, 99, Money(3))


async def test_totals_by_offer_cover_all_days(db: Database) -> None:
    def unit(conn: Connection) -> None:
        write(
            conn, attempt("a"), attempt("b", started_at=NOON - 900 * DAY, waste=Money(10)), charge=Charge(Money(7), 5)
        )

    await db.write(unit)
    await rollups.catch_up(db)
    await db.write(lambda conn: write(conn, attempt("c"), failure("d", provider="gemini")))
    assert await db.read(usage.totals_by_offer) == [
        OfferTotals("deepseek", "deepseek-v4-flash", 3, 90, 60, 10, Money(14), Money(290), Money(10))
    ]
