import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial

import psycopg
import pytest

from engine.holds import Grant
from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.billing import plans
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.invoices import invoices
from storage.invoices.drafts import LedgerMismatch, next_draft
from storage.invoices.invoices import Seller
from storage.ledger import holds, transfers
from storage.operations.audit import audit
from storage.tenants import tenants
from tests.storage.books import DOUBLE, FREE, bid, bill

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
SELLER = Seller("House", "Street 1", "T-1", "10")
STARTER = Plan(
    name="starter",
    usd_per_month=Money.usd("9"),
    tokens_per_month=2_000_000,
    requests_per_minute=20,
    max_output_tokens=2048,
)


def at(day: int, hour: int = 12, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def ask(conn: Connection, tenant_id: int, name: str, now: datetime, *, tokens: int = 150, markup: bool = True) -> Money:
    """A kept answer, charged at `now`."""
    asked = bid(tenant_id, name, tariff=DOUBLE) if markup else bid(tenant_id, name)
    grant = holds.hold(conn, asked, "L", now)
    assert isinstance(grant, Grant), grant
    made = bill(asked, tokens)
    made = replace(made, attempt=replace(made.attempt, started_at=now - timedelta(seconds=2)))
    return holds.capture(conn, asked, grant, made, rates={"free": Fraction(0)}, now=now).wallet


def pay_stars(conn: Connection, tenant_id: int, charge_id: str, stars: int, now: datetime) -> None:
    credited = stars * 13_000_000
    conn.run(
        "INSERT INTO payments (charge_id, tenant_id, stars, credited_nanousd, kind, paid_at)"
        " VALUES (:charge, :t, :stars, :credited, 'topup', 0)",
        charge=charge_id,
        t=tenant_id,
        stars=stars,
        credited=credited,
    )
    ref = f"stars:{charge_id}"
    transfers.credit(conn, tenant_id, Money(credited), ref=ref, reason=f"{stars} Stars", now=now, source="house:stars")


def refund_stars(conn: Connection, tenant_id: int, charge_id: str, stars: int, now: datetime) -> None:
    amount, ref = Money(stars * 13_000_000), f"refund:{charge_id}"
    conn.run("UPDATE payments SET refunded_at = 0 WHERE charge_id = :charge", charge=charge_id)
    transfers.debit_or_owe(conn, tenant_id, amount, kind="refund", to="house:stars", ref=ref, reason="", now=now)


def lived(conn: Connection) -> int:
    """October: 385 Stars, a plan bought and given up, answers on three days, a refund over what was left.
    November: a gift that pays what is owed.
    """
    owner = tenants.create(conn, "Ann", FREE, now=FIRST)
    pay_stars(conn, owner, "ch1", 1000, at(2))
    assert plans.pay_from_wallet(conn, owner, STARTER, STARTER.usd_per_month, at(2), ref="plan:x")
    transfers.credit(
        conn,
        owner,
        Money(1_000_000_001),
        ref="unused:x",
        reason="plan starter",
        now=at(3),
        source="house:plans",
    )
    ask(conn, owner, "r1", at(5))
    ask(conn, owner, "r2", at(5, 23))
    ask(conn, owner, "r3", at(6), markup=False)
    ask(conn, owner, "r4", at(31, 23) + timedelta(minutes=59, seconds=59))
    ask(conn, owner, "r5", at(1, 0, month=11) + timedelta(seconds=1))
    refund_stars(conn, owner, "ch1", 1000, at(30))
    transfers.credit(conn, owner, Money.usd("20"), ref="gift:1", reason="sorry", now=at(3, month=11))
    return owner


async def test_a_month_adds_up_to_the_ledger(db: Database) -> None:
    owner = await db.write(lived)
    assert await invoices.issue_due(db, owner, SELLER, at(2, month=12)) == 2
    november, october = await db.read(lambda conn: invoices.of_tenant(conn, owner))
    draft = october.draft
    assert (october.name, november.name) == ("F-000001", "F-000002")
    assert [(line.day.day, line.answers) for line in draft.lines] == [(5, 2), (6, 1), (31, 1)]
    assert [(each.kind, each.stars) for each in draft.movements] == [
        ("topup", 1000),
        ("plan", 0),
        ("plan_credit", 0),
        ("refund", 1000),
    ]
    assert draft.movements[0].per_star == Money(13_000_000)
    assert draft.opening == ZERO
    assert draft.services == draft.charges + Money.usd("9") - Money(1_000_000_001)
    assert draft.closing == november.draft.opening
    assert draft.owed > ZERO
    assert november.draft.owed == ZERO
    balance = await db.read(lambda conn: tenants.state(conn, owner))
    assert balance is not None
    assert november.draft.closing == balance.wallet
    assert (await db.read(audit)).ok


async def test_what_the_plan_paid_stands_beside_what_the_wallet_paid(db: Database) -> None:
    owner = await db.write(lived)
    await invoices.issue_due(db, owner, SELLER, at(2, month=12))
    (october,) = await db.read(lambda conn: invoices.of_tenant(conn, owner, OCTOBER))
    (line,) = [line for line in october.draft.lines if line.day.day == 6]
    assert (line.allowance_tokens, line.charge) == (150, ZERO)


async def test_a_month_is_drawn_up_when_it_is_over_and_an_hour_more(db: Database) -> None:
    owner = await db.write(lived)
    for now, made in ((at(31, 23), 0), (at(1, 0, month=11), 0), (at(1, 1, month=11), 1), (at(9, month=11), 0)):
        assert await invoices.issue_due(db, owner, SELLER, now) == made, now


async def test_a_month_without_money_has_no_invoice(db: Database) -> None:
    owner = await db.write(lambda conn: tenants.create(conn, "Ann", FREE, now=FIRST))
    await db.write(lambda conn: ask(conn, owner, "r1", at(5), markup=False))
    assert await invoices.issue_due(db, owner, SELLER, at(2, month=12)) == 0


async def test_quiet_months_lie_between(db: Database) -> None:
    owner = await db.write(lambda conn: tenants.create(conn, "Ann", FREE, now=FIRST))
    await db.write(lambda conn: pay_stars(conn, owner, "c", 10, at(2)))
    await db.write(lambda conn: pay_stars(conn, owner, "d", 20, at(2, month=12)))
    assert await invoices.issue_due(db, owner, SELLER, at(9, month=12).replace(year=2027)) == 2
    december, _ = await db.read(lambda conn: invoices.of_tenant(conn, owner))
    assert (december.draft.month, december.draft.opening) == (date(2026, 12, 1), Money(130_000_000))


async def test_racing_clocks_leave_no_gap_and_make_no_double(url: str) -> None:
    async with open_database(url) as one, open_database(url) as two:
        owners = []
        for number in range(8):
            owner = await one.write(lambda conn: tenants.create(conn, "Ann", FREE, now=FIRST))
            await one.write(partial(pay_stars, tenant_id=owner, charge_id=f"c{number}", stars=10, now=at(2)))
            owners.append(owner)
        made = await asyncio.gather(
            *(invoices.issue_due(db, owner, SELLER, at(2, month=11)) for owner in owners for db in (one, two, one))
        )
        assert sum(made) == len(owners)
        numbers = [each.number for each in await one.read(lambda conn: invoices.page(conn, 0, 100))]
        assert numbers == list(range(1, len(owners) + 1))
        assert (await one.read(audit)).ok


async def test_a_crash_before_the_commit_takes_the_number_back(db: Database) -> None:
    owner = await db.write(lived)
    draft = await db.read(lambda conn: next_draft(conn, owner, at(2, month=11)))
    assert draft is not None

    def crashes(conn: Connection) -> None:
        assert invoices.issue(conn, draft, SELLER, at(2, month=11)) is not None
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await db.write(crashes)
    await invoices.issue_due(db, owner, SELLER, at(2, month=11))
    (made,) = await db.read(lambda conn: invoices.of_tenant(conn, owner))
    assert made.number == 1


@pytest.mark.parametrize("sql", ["UPDATE invoices SET closing_nanousd = closing_nanousd", "DELETE FROM invoices"])
async def test_an_invoice_never_changes(db: Database, sql: str) -> None:
    owner = await db.write(lived)
    await invoices.issue_due(db, owner, SELLER, at(2, month=12))
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)):
        await db.write(lambda conn: conn.run(sql))


async def test_books_that_disagree_are_not_invoiced(db: Database) -> None:
    """A charge whose answer is missing from the journal would be missing from the lines."""
    owner = await db.write(lived)

    def spoil(conn: Connection) -> None:
        for sql in UNGUARDED[conn.dialect]:
            conn.run(sql)
        conn.run("DELETE FROM attempts WHERE request_id = 'r2'")

    await db.write(spoil)
    with pytest.raises(LedgerMismatch, match="2026-10"):
        await invoices.issue_due(db, owner, SELLER, at(2, month=12))
    assert await db.read(lambda conn: invoices.of_tenant(conn, owner)) == []


@pytest.mark.parametrize(
    ("check", "harm"),
    [
        (
            "invoices",
            "UPDATE invoices SET opening_nanousd = opening_nanousd + 1, closing_nanousd = closing_nanousd + 1",
        ),
        ("invoices", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'hold:r1:1'"),
        ("invoice_numbers", "DELETE FROM invoices WHERE number = 1"),
    ],
)
async def test_the_audit_finds_an_invoice_that_is_off(db: Database, check: str, harm: str) -> None:
    owner = await db.write(lived)
    await invoices.issue_due(db, owner, SELLER, at(2, month=12))
    assert (await db.read(audit)).ok

    def spoil(conn: Connection) -> None:
        for sql in UNGUARDED[conn.dialect]:
            conn.run(sql)
        assert conn.run(harm)

    await db.write(spoil)
    assert check in {problem.check for problem in (await db.read(audit)).problems}


UNGUARDED: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "DROP TRIGGER invoices_stay",
        "DROP TRIGGER invoices_remain",
        "DROP TRIGGER transfers_stay",
        "DROP TRIGGER attempts_remain",
    ),
    "postgresql": (
        "ALTER TABLE invoices DISABLE TRIGGER ALL",
        "ALTER TABLE transfers DISABLE TRIGGER ALL",
        "ALTER TABLE attempts DISABLE TRIGGER ALL",
    ),
}
