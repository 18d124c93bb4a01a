"""Invites: a code lets one stranger in."""

from datetime import datetime

from storage.billing import codes
from storage.billing.codes import Redemption
from storage.database.connection import Connection
from storage.tenants import tenants


def make(conn: Connection, count: int, *, made_by: int, now: datetime) -> list[str]:
    """New invites, in the clear this once; each fits a deep link's `start`."""
    return codes.make(conn, codes.INVITE, count, made_by=made_by, now=now)


def enter(conn: Connection, tenant_id: int, code: str, now: datetime) -> Redemption:
    """Let a stranger in by an unused invite; two strangers racing with one: one comes in."""
    used = codes.use(conn, tenant_id, code, codes.INVITE, now)
    if used.amount is not None:
        tenants.set_access(conn, tenant_id, tenants.IN)
    return used
