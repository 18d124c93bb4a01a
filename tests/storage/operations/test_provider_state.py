from datetime import timedelta

from storage.database.connection import Connection, ms, scalar
from storage.database.database import Database
from storage.operations import provider_state
from tests.storage.books import NOW


async def test_providers_are_drained_until_they_are_resumed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert provider_state.drained(conn) == frozenset()
        for name in ("deepseek", "gemini"):
            provider_state.set_drained(conn, name, True, NOW)
        assert provider_state.drained(conn) == {"deepseek", "gemini"}
        later = NOW + timedelta(minutes=1)
        provider_state.set_drained(conn, "deepseek", False, later)
        provider_state.set_drained(conn, "openai", False, later)
        assert provider_state.drained(conn) == {"gemini"}
        assert scalar(conn, "SELECT changed_at FROM providers WHERE name = 'deepseek'") == ms(later)

    await db.write(unit)
