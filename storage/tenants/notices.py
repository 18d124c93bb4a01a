"""Notices: the keys of notifications that were sent, so that each is sent once."""

from datetime import datetime, timedelta

from storage.database.connection import Connection, ms, row


def first_time(conn: Connection, key: str, now: datetime) -> bool:
    """Record `key`. True for its first caller, which must then notify; False for every later one."""
    return bool(
        conn.run(
            "INSERT INTO notices (key, created_at) VALUES (:key, :now) ON CONFLICT (key) DO NOTHING",
            key=key,
            now=ms(now),
        )
    )


def is_known(conn: Connection, key: str) -> bool:
    """Return whether `key` is recorded."""
    return row(conn, "SELECT 1 AS one FROM notices WHERE key = :key", key=key) is not None


def sweep(conn: Connection, now: datetime, after: timedelta = timedelta(days=90)) -> int:
    """Delete the keys recorded over `after` ago; return their number."""
    return conn.run("DELETE FROM notices WHERE created_at < :then", then=ms(now - after))
