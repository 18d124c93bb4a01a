"""Invites: each is a code that gives one person access."""

from datetime import datetime

from storage.billing import codes
from storage.billing.codes import Redemption
from storage.database.connection import Connection
from storage.tenants import tenant_settings, tenants


def make(conn: Connection, count: int, *, made_by: int, now: datetime) -> list[str]:
    """Make invite codes and return them in plain text. Each fits the `start` parameter of a deep link."""
    return codes.make(conn, codes.INVITE, count, made_by=made_by, now=now)


def enter(conn: Connection, tenant_id: int, code: str, now: datetime) -> Redemption:
    """Give the tenant access if the invite is unused. Of two tenants that use it at once, one gets access."""
    used = codes.use(conn, tenant_id, code, codes.INVITE, now)
    if used.amount is not None:
        tenant_settings.set_access(conn, tenant_id, tenants.ADMITTED)
    return used
