"""The last time when Telegram reported that a process with another database polls this bot."""

from datetime import datetime

from storage.database import watermarks
from storage.database.connection import Connection

_NAME = "poller_conflict_at"


def note(conn: Connection, now: datetime) -> None:
    watermarks.write(conn, _NAME, now.isoformat())


def latest(conn: Connection) -> datetime | None:
    text = watermarks.read(conn, _NAME)
    return None if text is None else datetime.fromisoformat(text)
