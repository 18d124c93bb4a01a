"""Open holds, and the expiry of those whose process has died."""

from collections.abc import Callable
from datetime import datetime

from engine.money import Money
from storage.database.connection import Connection, row, scalar
from storage.ledger import holds


def expire_holds(conn: Connection, now: datetime, is_dead: Callable[[str], bool], limit: int = 500) -> list[str]:
    """Void up to `limit` open holds whose lease is dead; return their ids. Accounts are locked in one order."""
    leases = conn.rows("SELECT DISTINCT lease_id FROM holds WHERE state = 'open'")
    abandoned = [
        (hold["tenant_id"], hold["id"])
        for lease in leases
        if is_dead(lease["lease_id"])
        for hold in conn.rows(
            "SELECT request_id || ':' || epoch AS id, tenant_id FROM holds WHERE state = 'open' AND lease_id = :lease"
            " LIMIT :limit",
            lease=lease["lease_id"],
            limit=limit,
        )
    ]
    return [hold_id for _, hold_id in sorted(abandoned)[:limit] if holds.void(conn, hold_id, now, "expired")]


def has_expired(conn: Connection, hold_id: str) -> bool:
    """Return whether the hold ended because its process was taken for dead."""
    request_id, _, epoch = hold_id.rpartition(":")
    sql = "SELECT 1 AS one FROM holds WHERE request_id = :request AND epoch = :epoch AND state = 'expired'"
    return epoch.isdecimal() and row(conn, sql, request=request_id, epoch=int(epoch)) is not None


def open_holds(conn: Connection) -> int:
    """Count the open holds."""
    return int(scalar(conn, "SELECT count(*) AS n FROM holds WHERE state = 'open'"))


def held_money(conn: Connection) -> Money:
    """Return the wallet money in open holds."""
    return Money(int(scalar(conn, "SELECT COALESCE(SUM(wallet_nanousd), 0) AS n FROM holds WHERE state = 'open'")))
