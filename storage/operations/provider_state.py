"""Provider states set by operators: a drained provider takes no traffic on any replica."""

from datetime import datetime

from storage.database.connection import Connection, ms


def drained(conn: Connection) -> frozenset[str]:
    """Return the names of the drained providers."""
    return frozenset(found["name"] for found in conn.rows("SELECT name FROM providers WHERE drained"))


def set_drained(conn: Connection, name: str, is_drained: bool, now: datetime) -> None:
    conn.run(
        "INSERT INTO providers (name, drained, changed_at) VALUES (:name, :drained, :now)"
        " ON CONFLICT (name) DO UPDATE SET drained = excluded.drained, changed_at = excluded.changed_at",
        name=name,
        drained=is_drained,
        now=ms(now),
    )
