"""What is done once a day: the tables say whether it is due, however often and by whomever they are asked."""

from datetime import datetime

from storage.connection import Connection, scalar

NIGHT_HOUR = 3  # UTC: when few people ask


def due(conn: Connection, name: str, now: datetime) -> bool:
    """True from the night on, until `done`; at once where it has never been done."""
    last = scalar(conn, "SELECT value FROM watermarks WHERE name = :name", name=f"daily:{name}")
    return last is None or (now.hour >= NIGHT_HOUR and last < f"{now:%Y-%m-%d}")


def done(conn: Connection, name: str, now: datetime) -> None:
    conn.run(
        "INSERT INTO watermarks (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=f"daily:{name}",
        value=f"{now:%Y-%m-%d}",
    )
