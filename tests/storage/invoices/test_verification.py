import pytest

from storage.database.database import Database
from storage.invoices import invoices, verification
from tests.storage.invoiced import SELLER, at, damage, two_months

SET_PART = {
    "sqlite": "UPDATE invoices SET document = json_set(document, '$.{}', 7) WHERE number = 1",
    "postgresql": "UPDATE invoices SET document = jsonb_set(document::jsonb, '{{{}}}', '7')::text WHERE number = 1",
}


async def differences(db: Database, after: int = 0) -> list[tuple[int, str]]:
    found = await db.read(lambda conn: list(verification.differences(conn, after)))
    return [(each["number"], each["differs"]) for each in found]


async def issued(db: Database) -> None:
    owner = await db.write(two_months)
    assert await invoices.issue_due(db, owner, SELLER, at(2, month=12)) == 2


async def test_issued_invoices_equal_their_months(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PAGE", 1)
    await issued(db)
    assert await differences(db) == []


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("lines,0,charge", "lines"),
        ("lines,0,answers", "lines"),
        ("lines,0,allowance_tokens", "lines"),
        ("movements,0,amount", "movements"),
        ("movements,0,stars", "movements"),
        ("movements,0,per_star", "movements"),
        ("owed", "owed"),
    ],
)
async def test_changed_part_of_an_invoice_is_found(db: Database, part: str, name: str) -> None:
    await issued(db)
    path = part if db.dialect == "postgresql" else part.replace(",0,", "[0].")
    await db.write(lambda conn: damage(conn, SET_PART[conn.dialect].format(path)))
    assert await differences(db) == [(1, name)]


async def test_changed_reason_of_a_movement_is_accepted(db: Database) -> None:
    await issued(db)
    path = "movements,0,reason" if db.dialect == "postgresql" else "movements[0].reason"
    await db.write(lambda conn: damage(conn, SET_PART[conn.dialect].format(path)))
    assert await differences(db) == []


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("UPDATE invoices SET services_nanousd = services_nanousd + 1 WHERE number = 2", "services"),
        ("UPDATE invoices SET opening_nanousd = 1, closing_nanousd = 1 + moved_nanousd WHERE number = 2", "opening"),
    ],
)
async def test_changed_sum_of_an_invoice_is_found(db: Database, sql: str, name: str) -> None:
    await issued(db)
    await db.write(lambda conn: damage(conn, sql))
    assert await differences(db) == [(2, name)]
    assert await differences(db, after=2) == []


async def test_month_that_no_longer_equals_the_ledger_is_reported(db: Database) -> None:
    await issued(db)
    await db.write(lambda conn: damage(conn, "DELETE FROM attempts WHERE request_id = 'r5'"))
    ((number, difference),) = await differences(db)
    assert number == 2
    assert "2026-11: lines sum to" in difference
