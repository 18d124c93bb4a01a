import pytest

from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations.leaders import LeadershipLost, check, lead, resign


async def test_one_leads_until_it_is_dead_or_resigns(db: Database) -> None:
    dead: set[str] = set()

    def unit(conn: Connection) -> None:
        def ask(lease: str) -> int | None:
            return lead(conn, "clock", lease, dead.__contains__)

        assert [ask("a"), ask("b"), ask("a")] == [1, None, 1]
        dead.add("a")
        assert [ask("b"), ask("b")] == [2, 2]
        check(conn, "clock", "b", 2)
        for lease, epoch in (("a", 1), ("a", 2), ("b", 1)):
            with pytest.raises(LeadershipLost):
                check(conn, "clock", lease, epoch)
        resign(conn, "clock", "a")
        assert ask("c") is None
        resign(conn, "clock", "b")
        assert ask("c") == 3

    await db.write(unit)
