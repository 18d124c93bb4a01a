"""Changes that operators make. Each is committed together with its entry in the operators' log."""

from datetime import datetime

from engine.money import Money
from storage.database.connection import Connection
from storage.ledger import transfers
from storage.operations import operator_log, provider_state
from storage.operations.operator_log import Operator
from storage.teams import members
from storage.tenants import tenant_settings, tenants


def ban(conn: Connection, by: Operator, tenant_id: int, now: datetime) -> None:
    tenant_settings.set_banned(conn, tenant_id, True)
    members.leave(conn, tenant_id, now)
    operator_log.record(conn, by, "ban", now, tenant=tenant_id)


def unban(conn: Connection, by: Operator, tenant_id: int, now: datetime) -> bool:
    """End the ban, and admit the tenant. Return True if the tenant was waiting for admission, or was declined."""
    tenant_settings.set_banned(conn, tenant_id, False)
    operator_log.record(conn, by, "unban", now, tenant=tenant_id)
    return tenant_settings.set_access(conn, tenant_id, tenants.ADMITTED)


def adjust_wallet(
    conn: Connection, by: Operator, tenant_id: int, amount: Money, now: datetime, *, ref: str, action: str = "credit"
) -> bool:
    """Credit the wallet, or debit it by a negative amount, once per `ref`. Return False if it was booked before."""
    booked = transfers.adjust(conn, tenant_id, amount, ref=ref, reason=_reason(by), now=now)
    if booked:
        operator_log.record(conn, by, action, now, tenant=tenant_id, detail=str(amount))
    return booked


def was_adjusted(conn: Connection, by: Operator, amount: Money, *, ref: str) -> bool:
    """Return True if this operator has booked exactly this amount under `ref`."""
    return transfers.adjusted(conn, ref) == (amount, _reason(by))


def drain(conn: Connection, by: Operator, provider: str, now: datetime, *, drained: bool) -> None:
    """Take a provider out of service, or put it back."""
    provider_state.set_drained(conn, provider, drained, now, by.name)
    operator_log.record(conn, by, "drain" if drained else "resume", now, detail=provider)


def _reason(by: Operator) -> str:
    return f"by operator {by.user}"
