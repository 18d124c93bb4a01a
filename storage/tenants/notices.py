"""Notices: the keys of notifications that were sent, so that each is sent once."""

import json
from collections.abc import Collection
from datetime import datetime

from storage.database.connection import Connection, ms, row


def first_time(conn: Connection, key: str, now: datetime) -> bool:
    """Record `key`. Return True for its first caller, which must then notify, and False for every later one."""
    return bool(
        conn.run(
            "INSERT INTO notices (key, created_at) VALUES (:key, :now) ON CONFLICT (key) DO NOTHING",
            key=key,
            now=ms(now),
        )
    )


def first_times(conn: Connection, keys: Collection[str], now: datetime) -> set[str]:
    """Record `keys`; return those that were not recorded before: their notifications must be sent."""
    listed = "json_each(:keys)" if conn.dialect == "sqlite" else "json_array_elements_text(CAST(:keys AS json))"
    found = conn.rows(
        f"INSERT INTO notices (key, created_at) SELECT k.value, :now FROM {listed} AS k WHERE true"
        " ON CONFLICT (key) DO NOTHING RETURNING key",
        keys=json.dumps(sorted(keys)),
        now=ms(now),
    )
    return {row["key"] for row in found}


def is_known(conn: Connection, key: str) -> bool:
    """Return whether `key` is recorded."""
    return row(conn, "SELECT 1 AS one FROM notices WHERE key = :key", key=key) is not None


def sweep(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` keys recorded before `before`; return their number.

    Those of the reconciliation stay: Telegram's list is compared with all of them.
    """
    return conn.run(
        "DELETE FROM notices WHERE key IN"
        " (SELECT key FROM notices WHERE created_at < :before AND key NOT LIKE 'stars:%' LIMIT :n)",
        before=ms(before),
        n=limit,
    )
