"""The audit of what is kept beside the ledger: invoices, refunds, codes, keys."""

from functools import partial

import pytest

from engine.money import Money
from storage.billing import codes
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.invoices import invoices
from storage.operations.audit import AuditPoint, advance, audit, settled_point
from storage.tenants import api_keys
from tests.storage.books import NOW, bid, pay, take
from tests.storage.conftest import Server
from tests.storage.invoices.test_invoices import SELLER, UNGUARDED, at
from tests.storage.invoices.test_invoices import lived as invoiced
from tests.storage.meeting import meet

ISSUED = at(2, month=12)
LOOSE = {
    "sqlite": (
        "DROP TRIGGER resolved_holds_stay",
        "DROP TRIGGER transfers_remain",
        "PRAGMA ignore_check_constraints = ON",
    ),
    "postgresql": (
        "ALTER TABLE holds DISABLE TRIGGER ALL",
        "ALTER TABLE holds DROP CONSTRAINT charge_within_hold",
        "ALTER TABLE invoices DROP CONSTRAINT invoice_adds_up",
    ),
}
LINE = {
    "sqlite": "UPDATE invoices SET document = json_set(document, '$.{}', 7) WHERE number = 1",
    "postgresql": "UPDATE invoices SET document = jsonb_set(document::jsonb, '{{{}}}', '7')::text WHERE number = 1",
}


def lived(conn: Connection) -> int:
    """Two months that are invoiced, a refund, one code used and one not, a key with a captured and an open hold."""
    owner = invoiced(conn)
    used, _ = codes.make(conn, codes.TOPUP, 2, made_by=1, now=NOW, amount=Money.usd("3"))
    assert codes.redeem(conn, owner, used, at(7, month=12)).amount
    key = api_keys.add(conn, owner, api_keys.new_key(), name="dev", tokens_per_month=5000, now=NOW)
    asked = bid(owner, "keyed", key_id=key.id)
    pay(conn, asked, take(conn, asked))
    take(conn, bid(owner, "open", key_id=key.id))
    return owner


async def issued(db: Database) -> int:
    owner = await db.write(lived)
    assert await invoices.issue_due(db, owner, SELLER, ISSUED) == 2
    return owner


def harm(conn: Connection, sql: str) -> None:
    for loosening in (*UNGUARDED[conn.dialect], *LOOSE[conn.dialect]):
        conn.run(loosening)
    assert conn.run(sql)


async def found(db: Database, *, full: bool = False) -> set[str]:
    return {problem.check for problem in (await db.read(partial(audit, full=full))).problems}


async def test_papers_that_agree_are_clean(db: Database) -> None:
    await issued(db)
    report = await db.read(audit)
    assert report.ok, report.problems
    looked = {name for name, rows in report.checked.items() if rows}
    assert {"invoices", "invoice_lines", "invoice_numbers", "refunds", "stray_refunds", "codes", "keys"} <= looked


@pytest.mark.parametrize(
    ("check", "sql"),
    [
        ("refunds", "UPDATE payments SET refunded_at = NULL"),
        ("refunds", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'refund:ch1'"),
        ("refunds", "DELETE FROM transfers WHERE ref = 'refund:ch1:owed'"),
        ("stray_refunds", "UPDATE transfers SET ref = 'refund:nowhere' WHERE ref = 'refund:ch1'"),
        ("stray_refunds", "UPDATE transfers SET ref = 'refund:nowhere:owed' WHERE ref = 'refund:ch1:owed'"),
        ("codes", "UPDATE codes SET used_by = NULL"),
        ("codes", "UPDATE codes SET used_by = 1 WHERE used_by IS NULL"),
        ("codes", "UPDATE codes SET nanousd = nanousd + 1 WHERE used_by IS NOT NULL"),
        ("stray_codes", "DELETE FROM codes WHERE used_by IS NOT NULL"),
        ("keys", "UPDATE api_keys SET used_tokens = used_tokens - 1"),
        ("keys", "UPDATE api_keys SET held_tokens = held_tokens + 1"),
        ("charges", "UPDATE holds SET wallet_nanousd = charge_nanousd - 1 WHERE charge_nanousd > 0"),
        ("invoices", "UPDATE invoices SET moved_nanousd = moved_nanousd + 1 WHERE number = 2"),
        ("invoice_lines", "UPDATE invoices SET services_nanousd = services_nanousd + 1 WHERE number = 2"),
        ("invoice_numbers", "DELETE FROM invoices WHERE number = 2"),
    ],
)
async def test_each_harm_to_the_papers_is_found_under_its_name(db: Database, check: str, sql: str) -> None:
    await issued(db)
    await db.write(lambda conn: harm(conn, sql))
    assert check in await found(db)


@pytest.mark.parametrize(
    "part", ["lines,0,charge", "lines,0,answers", "lines,0,allowance_tokens", "movements,0,amount", "owed"]
)
async def test_a_printed_line_that_is_not_the_ledgers_is_found(db: Database, part: str) -> None:
    await issued(db)
    path = part if db.dialect == "postgresql" else part.replace(",0,", "[0].")
    await db.write(lambda conn: harm(conn, LINE[conn.dialect].format(path)))
    assert await found(db) == {"invoice_lines"}


async def test_invoices_that_were_proven_are_looked_at_again_only_in_full(db: Database) -> None:
    await issued(db)
    while not await db.write(lambda conn: advance(conn, settled_point(conn, ISSUED))):
        pass
    rolled = await db.read(audit)
    assert rolled.ok, rolled.problems
    assert rolled.checked["invoices"] == rolled.checked["invoice_lines"] == 0 < rolled.checked["invoice_numbers"]
    await db.write(lambda conn: harm(conn, "UPDATE invoices SET services_nanousd = services_nanousd + 1"))
    assert await found(db) == set()
    assert await found(db, full=True) == {"invoice_lines"}


async def test_two_clocks_that_move_the_point_at_once_sum_nothing_twice(
    postgres_server: Server, postgres_template: str
) -> None:
    url = postgres_server.create(f"{postgres_template}_clocks", postgres_template)
    async with open_database(url) as db:
        await issued(db)
        await db.write(partial(advance, to=AuditPoint()))
        point = await db.read(lambda conn: settled_point(conn, ISSUED))
        moved = partial(advance, to=point)
        await meet(db, moved, moved)
        assert await found(db) == await found(db, full=True) == set()
