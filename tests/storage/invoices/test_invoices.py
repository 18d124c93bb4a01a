import asyncio
import sqlite3
from datetime import date
from functools import partial

import psycopg
import pytest

from engine.money import ZERO
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.invoices import invoices
from storage.invoices.drafts import LedgerMismatch, next_draft
from storage.operations.audit import audit
from storage.tenants import tenants
from tests.storage.invoiced import MS, NOVEMBER, OCTOBER, SELLER, at, damage, newcomer, pay_stars, two_months


async def issued(db: Database) -> int:
    owner = await db.write(two_months)
    assert await invoices.issue_due(db, owner, SELLER, at(2, month=12)) == 2
    return owner


async def test_invoices_follow_each_other_to_the_wallets_balance(db: Database) -> None:
    owner = await issued(db)
    november, october = await db.read(lambda conn: invoices.of_tenant(conn, owner))
    assert (october.name, november.name) == ("F-000001", "F-000002")
    assert october.draft.opening == ZERO
    assert october.draft.closing == november.draft.opening
    assert (october.draft.owed > ZERO, november.draft.owed) == (True, ZERO)
    state = await db.read(lambda conn: tenants.state(conn, owner))
    assert state is not None
    assert november.draft.closing == state.wallet
    assert (await db.read(audit)).ok


async def test_stored_invoice_is_read_as_it_was_issued(db: Database) -> None:
    owner = await db.write(two_months)
    draft = await db.read(lambda conn: next_draft(conn, owner, at(2, month=11)))
    assert draft is not None
    made = await db.write(partial(invoices.issue, draft=draft, seller=SELLER, now=at(2, month=11)))
    assert await db.read(lambda conn: invoices.by_number(conn, 1)) == made
    assert made is not None
    assert (made.draft, made.seller, made.issued_at) == (draft, SELLER, at(2, month=11))
    assert await db.read(lambda conn: invoices.by_number(conn, 2)) is None


async def test_month_is_invoiced_one_hour_after_its_end(db: Database) -> None:
    owner = await db.write(two_months)
    closed = at(1, 1, month=11)
    for now, made in ((closed - MS, 0), (closed, 1), (at(9, month=11), 0)):
        assert await invoices.issue_due(db, owner, SELLER, now) == made, now


async def test_month_is_invoiced_once(db: Database) -> None:
    owner = await db.write(two_months)
    draft = await db.read(lambda conn: next_draft(conn, owner, at(2, month=11)))
    assert draft is not None
    issue = partial(invoices.issue, draft=draft, seller=SELLER, now=at(2, month=11))
    assert await db.write(issue) is not None
    assert await db.write(issue) is None
    await invoices.issue_due(db, owner, SELLER, at(2, month=12))
    assert [each.number for each in await db.read(lambda conn: invoices.page(conn, 0, 9))] == [1, 2]


async def test_months_without_transfers_are_skipped(db: Database) -> None:
    owner = await db.write(newcomer)
    await db.write(lambda conn: pay_stars(conn, owner, "c", 10, at(2)))
    await db.write(lambda conn: pay_stars(conn, owner, "d", 20, at(2, month=12)))
    assert await invoices.issue_due(db, owner, SELLER, at(9, month=12).replace(year=2027)) == 2
    december, october = await db.read(lambda conn: invoices.of_tenant(conn, owner))
    assert (december.draft.month, december.draft.opening) == (date(2026, 12, 1), october.draft.closing)


async def test_invoices_are_read_by_tenant_month_and_page(db: Database) -> None:
    owner, other = await issued(db), await db.write(newcomer)
    await db.write(lambda conn: pay_stars(conn, other, "c", 10, at(5)))
    assert await invoices.issue_due(db, other, SELLER, at(2, month=12)) == 1

    def numbers(conn: Connection) -> list[list[int]]:
        lists = (
            invoices.of_tenant(conn, owner),
            invoices.of_tenant(conn, owner, NOVEMBER),
            invoices.page(conn, 0, 2),
            invoices.page(conn, 2, 2),
            invoices.page(conn, 0, 9, OCTOBER),
        )
        return [[each.number for each in found] for found in lists]

    assert await db.read(numbers) == [[2, 1], [2], [1, 2], [3], [1, 3]]


async def test_closed_months_count_as_issued_until_the_next_one_closes(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert not invoices.all_issued(conn, at(9, month=11))
        invoices.note_all_issued(conn, at(9, month=11))
        assert invoices.all_issued(conn, at(1, 1, month=12) - MS)
        assert not invoices.all_issued(conn, at(1, 1, month=12))

    await db.write(unit)


async def test_racing_processes_leave_no_gap_and_issue_nothing_twice(url: str) -> None:
    async with open_database(url) as one, open_database(url) as two:
        owners = []
        for number in range(8):
            owner = await one.write(newcomer)
            await one.write(partial(pay_stars, tenant_id=owner, charge_id=f"c{number}", stars=10, now=at(2)))
            owners.append(owner)
        made = await asyncio.gather(
            *(invoices.issue_due(db, owner, SELLER, at(2, month=11)) for owner in owners for db in (one, two, one))
        )
        assert sum(made) == len(owners)
        numbers = [each.number for each in await one.read(lambda conn: invoices.page(conn, 0, 100))]
        assert numbers == list(range(1, len(owners) + 1))
        assert (await one.read(audit)).ok


async def test_crash_before_the_commit_frees_the_invoice_number(db: Database) -> None:
    owner = await db.write(two_months)
    draft = await db.read(lambda conn: next_draft(conn, owner, at(2, month=11)))
    assert draft is not None

    def crashes(conn: Connection) -> None:
        assert invoices.issue(conn, draft, SELLER, at(2, month=11)) is not None
        raise RuntimeError("crash")

    with pytest.raises(RuntimeError):
        await db.write(crashes)
    await invoices.issue_due(db, owner, SELLER, at(2, month=11))
    (made,) = await db.read(lambda conn: invoices.of_tenant(conn, owner))
    assert made.number == 1


@pytest.mark.parametrize("sql", ["UPDATE invoices SET closing_nanousd = closing_nanousd", "DELETE FROM invoices"])
async def test_issued_invoice_can_not_be_changed_or_deleted(db: Database, sql: str) -> None:
    await issued(db)
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)):
        await db.write(lambda conn: conn.run(sql))


async def test_month_that_differs_from_the_ledger_is_not_invoiced(db: Database) -> None:
    owner = await db.write(two_months)
    await db.write(lambda conn: damage(conn, "DELETE FROM attempts WHERE request_id = 'r2'"))
    with pytest.raises(LedgerMismatch, match="2026-10"):
        await invoices.issue_due(db, owner, SELLER, at(2, month=12))
    assert await db.read(lambda conn: invoices.of_tenant(conn, owner)) == []
