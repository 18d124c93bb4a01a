"""The log of operators' actions."""

from functools import partial

from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations.operator_log import BY_KEY, Operator, OperatorAction, latest, record
from tests.storage.books import NOW

OLGA = Operator(9001, "Olga")


async def test_entries_are_read_newest_first_of_all_or_of_one_tenant(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record(conn, OLGA, "credit", NOW, tenant=1, detail="5 USD")
        record(conn, BY_KEY, "drain", NOW)
        record(conn, OLGA, "ban", NOW, tenant=2)

    await db.write(unit)
    found = await db.read(partial(latest, limit=2))
    assert [(each.by, each.action, each.tenant_id) for each in found] == [(OLGA, "ban", 2), (BY_KEY, "drain", None)]
    assert await db.read(partial(latest, limit=9, tenant=1)) == [OperatorAction(1, NOW, OLGA, "credit", 1, "5 USD")]
