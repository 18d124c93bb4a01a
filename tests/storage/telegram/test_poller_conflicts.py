from datetime import timedelta

from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import poller_conflicts
from tests.builders import NOON


async def test_latest_conflict_is_kept(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert poller_conflicts.latest(conn) is None
        for minutes in (0, 5):
            poller_conflicts.note(conn, NOON + timedelta(minutes=minutes))
        assert poller_conflicts.latest(conn) == NOON + timedelta(minutes=5)

    await db.write(unit)
