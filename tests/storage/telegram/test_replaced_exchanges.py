"""The exchange that an answer replaced."""

from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import replaced_exchanges


async def test_request_without_messages_replaces_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert replaced_exchanges.of(conn, None) == ""
        assert replaced_exchanges.of(conn, "r1") == ""
        assert not replaced_exchanges.put_back(conn, "r1")

    await db.read(unit)
