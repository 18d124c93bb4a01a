"""The last hour of each tenant, compared with the usual one."""

from datetime import timedelta
from functools import partial

from engine.chat import Usage
from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports.anomalies import BusyHour, busy_hours
from storage.tenants import tenants
from tests.builders import spent
from tests.storage.books import FREE, NOW

MINUTE = timedelta(minutes=1)


async def test_busiest_tenant_comes_first_and_hours_are_grouped(db: Database) -> None:
    def people(conn: Connection) -> None:
        for name in ("Ann", "Bao"):
            tenants.create(conn, name, FREE, now=NOW)

    await db.write(people)
    uses = [(1, 900, 5), (1, 300, 59), (1, 70, 61), (1, 30, 62), (1, 100, 200), (2, 5000, 1), (2, 10, 60)]
    for number, (tenant, tokens, minutes) in enumerate(uses):
        usage = Usage(tokens - 1, 1)
        at = NOW - minutes * MINUTE
        await db.write(
            spent(tenant, Money(7), at, outcome="answered", request_id=f"r{number}", usage=usage, cost=Money(1))
        )
    found = await db.read(partial(busy_hours, now=NOW, least_tokens=1200))
    assert found[0] == BusyHour(2, 2, 5010, Money(14), 0, 0)
    assert found[1] == BusyHour(1, 2, 1200, Money(14), 100, 2)
    assert [each.tenant_id for each in await db.read(partial(busy_hours, now=NOW, least_tokens=1201))] == [2]
