"""Provider states set by operators: a drained provider takes no traffic on any replica."""

from datetime import datetime

from storage.database.connection import Connection, ms


def drained(conn: Connection) -> frozenset[str]:
    """Return the names of the drained providers."""
    return frozenset(found["name"] for found in conn.rows("SELECT name FROM providers WHERE drained"))


def drained_by(conn: Connection) -> dict[str, str]:
    """Return the operator who drained each drained provider; empty if unknown."""
    return {found["name"]: found["changed_by"] for found in conn.rows("SELECT * FROM providers WHERE drained")}


def set_drained(conn: Connection, name: str, is_drained: bool, now: datetime, by: str = "") -> None:
    """Drain a provider, or put it back into service. `by`: the operator's name."""
    conn.run(
        "INSERT INTO providers (name, drained, changed_at, changed_by) VALUES (:name, :drained, :now, :by)"
        " ON CONFLICT (name) DO UPDATE SET drained = excluded.drained, changed_at = excluded.changed_at,"
        " changed_by = excluded.changed_by",
        name=name,
        drained=is_drained,
        now=ms(now),
        by=by,
    )
