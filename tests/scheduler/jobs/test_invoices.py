from engine.money import Money
from scheduler.context import JobContext
from scheduler.jobs import invoices
from storage.database.connection import Connection
from storage.invoices import invoices as invoice_units
from storage.ledger import transfers
from storage.tenants import tenants
from tests.scheduler.conftest import NOW, HandClock, Notifications


def tenant_with_credit(conn: Connection, context: JobContext) -> int:
    owner = tenants.create(conn, "Ann", context.plans["free"], now=NOW)
    transfers.credit(conn, owner, Money.usd("1"), ref=f"gift:{owner}", reason="", now=NOW)
    return owner


async def test_every_tenant_gets_an_invoice_once_the_month_is_over(context: JobContext, clock: HandClock) -> None:
    for _ in range(3):
        await context.db.write(lambda conn: tenant_with_credit(conn, context))
    for _ in range(2):
        await invoices.run(context)
        assert await context.db.read(lambda conn: invoice_units.page(conn, 0, 10)) == []
    clock.at = NOW.replace(month=12, day=1, hour=2)
    for _ in range(2):
        await invoices.run(context)
        made = await context.db.read(lambda conn: invoice_units.page(conn, 0, 10))
        assert [each.number for each in made] == [1, 2, 3]


async def test_mismatch_is_reported_once_and_does_not_block_other_tenants(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    odd = await context.db.write(lambda conn: tenant_with_credit(conn, context))
    await context.db.write(lambda conn: tenant_with_credit(conn, context))
    await context.db.write(
        lambda conn: conn.run(
            "INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)"
            " SELECT 'charge', credit, 'house:charges', 5, tenant_id, 'hold:lost', '', created_at FROM transfers"
            " WHERE tenant_id = :odd",
            odd=odd,
        )
    )
    clock.at = NOW.replace(month=12, day=1, hour=2)
    for _ in range(2):
        await invoices.run(context)
    assert len(notifier.texts) == 1
    assert "the books disagree: tenant 1, 2026-11" in notifier.texts[0]
    assert len(await context.db.read(lambda conn: invoice_units.page(conn, 0, 10))) == 1
