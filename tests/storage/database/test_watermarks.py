"""Values remembered between runs."""

from storage.database import watermarks
from storage.database.connection import Connection
from storage.database.database import Database


async def test_value_is_stored_replaced_and_deleted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert watermarks.read(conn, "a") is None
        watermarks.write(conn, "a", "1")
        watermarks.write(conn, "a", "2")
        assert watermarks.read(conn, "a") == "2"
        watermarks.delete(conn, "a")
        watermarks.delete(conn, "a")
        assert watermarks.read(conn, "a") is None

    await db.write(unit)


async def test_names_with_a_prefix_are_sorted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for name in ("job:b", "job:a", "jobs", "other"):
            watermarks.write(conn, name, name.upper())
        assert watermarks.with_prefix(conn, "job:") == [("job:a", "JOB:A"), ("job:b", "JOB:B")]

    await db.write(unit)


async def test_replace_needs_the_old_value(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert not watermarks.replace(conn, "a", "1", "2")
        assert watermarks.read(conn, "a") is None
        assert watermarks.replace(conn, "a", None, "1")
        assert not watermarks.replace(conn, "a", None, "2")
        assert not watermarks.replace(conn, "a", "0", "2")
        assert watermarks.read(conn, "a") == "1"
        assert watermarks.replace(conn, "a", "1", "2")
        assert watermarks.read(conn, "a") == "2"

    await db.write(unit)
