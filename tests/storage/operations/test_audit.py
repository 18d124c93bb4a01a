from datetime import timedelta
from functools import partial

import pytest

from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.invoices import invoices
from storage.operations import audit as audit_module
from storage.operations.audit import SETTLED, AuditPoint, advance, audit, audited_point, settled_point
from tests.storage.books import DOUBLE, NOW, hold_request, pay, take, tenant
from tests.storage.conflicts import run_conflicting
from tests.storage.conftest import Server
from tests.storage.invoiced import SELLER, at, damage, two_months

LATER = NOW + timedelta(hours=1)
ISSUED = at(2, month=12)


def answered(conn: Connection, request: str = "r1") -> None:
    """Add a tenant whose wallet paid for an answer: a credit and a charge, with two entries each."""
    asked = hold_request(tenant(conn, "1"), request, tariff=DOUBLE)
    pay(conn, asked, take(conn, asked))


async def problems(db: Database, *, full: bool = False) -> set[str]:
    return {problem.check for problem in (await db.read(partial(audit, full=full))).problems}


async def advance_to_the_end(db: Database) -> AuditPoint:
    while not await db.write(lambda conn: advance(conn, settled_point(conn, LATER))):
        pass
    return await db.read(audited_point)


async def test_audit_of_an_empty_database_is_clean(db: Database) -> None:
    assert (await db.read(audit)).ok
    assert await db.read(audited_point) == AuditPoint()


async def test_audit_starts_from_the_audited_point(db: Database) -> None:
    await db.write(answered)
    point = await advance_to_the_end(db)
    assert point.transfer > 0
    rolled, full = await db.read(audit), await db.read(partial(audit, full=True))
    assert rolled.ok, rolled.problems
    assert full.ok, full.problems
    assert rolled.checked["two_sides"] == 0 < full.checked["two_sides"]
    await db.write(lambda conn: answered(conn, "r2"))
    report = await db.read(audit)
    assert report.ok, report.problems
    assert report.checked["two_sides"] == 2


async def test_only_rows_older_than_any_transaction_are_settled(db: Database) -> None:
    await db.write(answered)
    ms = timedelta(milliseconds=1)
    young, old = [
        await db.read(lambda conn, at=NOW + SETTLED + more: settled_point(conn, at))  # type: ignore[misc]
        for more in (timedelta(0), ms)
    ]
    assert (young.transfer, old.transfer > 0) == (0, True)
    assert old.attempt == 0, "the newest attempts are always read again"


async def test_last_attempts_before_the_settled_point_are_read_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await db.write(partial(answered, request=f"r{number}"))
    monkeypatch.setattr(audit_module, "OVERLAP", 2)
    assert (await db.read(lambda conn: settled_point(conn, LATER))).attempt == 3


@pytest.mark.parametrize(
    ("check", "sql", "full"),
    [
        ("balance", "UPDATE accounts SET balance_nanousd = balance_nanousd + 1", False),
        ("balance", "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'hold:r1:1'", True),
        ("audited_point", "UPDATE audited_balances SET sum_nanousd = sum_nanousd + 1", True),
        ("balance", "UPDATE audited_balances SET sum_nanousd = sum_nanousd + 1 WHERE account = 'tenant:1'", False),
    ],
)
async def test_damage_before_the_audited_point_is_found(db: Database, check: str, sql: str, full: bool) -> None:
    await db.write(answered)
    await advance_to_the_end(db)
    await db.write(lambda conn: damage(conn, sql))
    assert check in await problems(db, full=full)


async def test_damage_to_proven_transfers_is_found_by_a_full_audit_only(db: Database) -> None:
    await db.write(answered)
    await advance_to_the_end(db)
    sql = "UPDATE transfers SET amount_nanousd = amount_nanousd + 1 WHERE ref = 'hold:r1:1'"
    await db.write(lambda conn: damage(conn, sql))
    assert await problems(db) & {"two_sides", "balance"} == set()


async def test_audited_point_advances_in_chunks(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        await db.write(partial(answered, request=f"r{number}"))
    monkeypatch.setattr(audit_module, "CHUNK", 2)
    end = await db.read(lambda conn: settled_point(conn, LATER))
    units = 1
    while not await db.write(lambda conn: advance(conn, end)):
        units += 1
        assert (await db.read(audit)).ok
    assert units == -(-end.transfer // 2)
    assert await db.read(audited_point) == end
    assert (await db.read(audit)).ok


async def test_audited_point_never_moves_back(db: Database) -> None:
    await db.write(answered)
    point = await advance_to_the_end(db)
    assert await db.write(lambda conn: advance(conn, AuditPoint()))
    assert (await db.read(audited_point)).transfer == point.transfer
    assert await problems(db) == await problems(db, full=True) == set()


async def test_proven_invoices_are_verified_again_only_in_a_full_audit(db: Database) -> None:
    owner = await db.write(two_months)
    assert await invoices.issue_due(db, owner, SELLER, ISSUED) == 2
    await db.write(lambda conn: advance(conn, settled_point(conn, ISSUED)))
    rolled = await db.read(audit)
    assert rolled.ok, rolled.problems
    assert rolled.checked["invoices"] == rolled.checked["invoice_lines"] == 0 < rolled.checked["invoice_numbers"]
    await db.write(lambda conn: damage(conn, "UPDATE invoices SET services_nanousd = services_nanousd + 1"))
    assert await problems(db) == set()
    assert await problems(db, full=True) == {"invoice_lines"}


async def test_two_processes_that_advance_at_once_add_no_chunk_twice(
    postgres_server: Server, postgres_template: str
) -> None:
    url = postgres_server.create(f"{postgres_template}_clocks", postgres_template)
    async with open_database(url) as db:
        await db.write(two_months)
        await db.write(partial(advance, to=AuditPoint()))
        point = await db.read(lambda conn: settled_point(conn, ISSUED))
        step = partial(advance, to=point)
        await run_conflicting(db, step, step)
        assert await problems(db) == await problems(db, full=True) == set()
