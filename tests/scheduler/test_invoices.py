from engine.money import Money
from scheduler.context import JobContext
from scheduler.jobs import invoices
from storage.database.connection import Connection
from storage.invoices import invoices as invoice_units
from storage.ledger import transfers
from storage.tenants import tenants
from tests.scheduler.conftest import NOW, HandClock, Notebook


def paying(conn: Connection, desk: JobContext) -> int:
    owner = tenants.create(conn, "Ann", desk.plans["free"], now=NOW)
    transfers.credit(conn, owner, Money.usd("1"), ref=f"gift:{owner}", reason="", now=NOW)
    return owner


async def test_everybody_is_invoiced_when_the_month_is_over(desk: JobContext, clock: HandClock) -> None:
    for _ in range(3):
        await desk.db.write(lambda conn: paying(conn, desk))
    for _ in range(2):
        await invoices.run(desk)
        assert await desk.db.read(lambda conn: invoice_units.page(conn, 0, 10)) == []
    clock.at = NOW.replace(month=12, day=1, hour=2)
    for _ in range(2):
        await invoices.run(desk)
        made = await desk.db.read(lambda conn: invoice_units.page(conn, 0, 10))
        assert [each.number for each in made] == [1, 2, 3]


async def test_books_that_disagree_are_told_once_and_keep_nobody_else_waiting(
    desk: JobContext, clock: HandClock, notebook: Notebook
) -> None:
    odd = await desk.db.write(lambda conn: paying(conn, desk))
    await desk.db.write(lambda conn: paying(conn, desk))
    await desk.db.write(
        lambda conn: conn.run(
            "INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)"
            " SELECT 'charge', credit, 'house:charges', 5, tenant_id, 'hold:lost', '', created_at FROM transfers"
            " WHERE tenant_id = :odd",
            odd=odd,
        )
    )
    clock.at = NOW.replace(month=12, day=1, hour=2)
    for _ in range(2):
        await invoices.run(desk)
    assert len(notebook.texts) == 1
    assert "the books disagree: tenant 1, 2026-11" in notebook.texts[0]
    assert len(await desk.db.read(lambda conn: invoice_units.page(conn, 0, 10))) == 1
