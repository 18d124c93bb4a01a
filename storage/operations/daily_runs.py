"""What is done once a day: the tables say whether it is due, however often and by whomever they are asked."""

from datetime import datetime

from storage.database import watermarks
from storage.database.connection import Connection

NIGHT_HOUR = 3  # UTC: when few people ask


def due(conn: Connection, name: str, now: datetime) -> bool:
    """True from the night on, until `done`; at once where it has never been done."""
    last = watermarks.read(conn, f"daily:{name}")
    return last is None or (now.hour >= NIGHT_HOUR and last < f"{now:%Y-%m-%d}")


def record(conn: Connection, name: str, now: datetime) -> None:
    watermarks.write(conn, f"daily:{name}", f"{now:%Y-%m-%d}")
