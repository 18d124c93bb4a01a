"""Findings of the reconciliation that were not reported to the operators yet, one row each."""

import json
from datetime import datetime
from typing import Any

from engine.money import Money
from storage.billing.payments import PaymentResult
from storage.billing.reconciliation import Finding, notice_of
from storage.billing.refunds import RefundResult
from storage.database import leases, watermarks
from storage.database.connection import Connection
from storage.tenants import notices

_PREFIX = "finding:"


def record(conn: Connection, finding: Finding, lease_id: str, now: datetime) -> None:
    """Store a finding, to be reported by the process of this lease. A finding that was stored before is skipped."""
    if notices.first_time(conn, notice_of(finding.kind, finding.charge_id), now):
        watermarks.write(conn, _name(finding), _to_json(finding, lease_id))


def pending(conn: Connection, lease_id: str, now: datetime) -> list[Finding]:
    """Return this process's findings, and those of dead processes, which it takes over."""
    is_dead = leases.dead(conn, now, lease_id)
    return [
        _from_json(value)
        for name, value in watermarks.with_prefix(conn, _PREFIX)
        if _owner(value) == lease_id or (is_dead(_owner(value)) and _taken_over(conn, name, value, lease_id))
    ]


def mark_delivered(conn: Connection, finding: Finding) -> None:
    """Delete a finding that was reported to the operators."""
    watermarks.delete(conn, _name(finding))


def _name(finding: Finding) -> str:
    return f"{_PREFIX}{finding.kind}:{finding.charge_id}"


def _owner(value: str) -> str:
    return str(json.loads(value)["lease"])


def _taken_over(conn: Connection, name: str, value: str, lease_id: str) -> bool:
    return watermarks.replace(conn, name, value, json.dumps({**json.loads(value), "lease": lease_id}))


def _to_json(finding: Finding, lease_id: str) -> str:
    paid, refunded = finding.paid, finding.refunded
    return json.dumps(
        {
            "lease": lease_id,
            "finding": [finding.kind, finding.charge_id, finding.stars, finding.ours],
            "paid": paid and [paid.tenant_id, paid.credited.nanousd, paid.plan, paid.kept],
            "refunded": refunded
            and [refunded.tenant_id, refunded.taken.nanousd, refunded.owed.nanousd, refunded.ended],
        }
    )


def _from_json(value: str) -> Finding:
    stored: dict[str, Any] = json.loads(value)
    kind, charge_id, stars, ours = stored["finding"]
    paid, refunded = None, None
    if stored["paid"]:
        tenant_id, credited, plan, kept = stored["paid"]
        paid = PaymentResult(True, tenant_id, Money(credited), plan, kept)
    if stored["refunded"]:
        tenant_id, taken, owed, ended = stored["refunded"]
        refunded = RefundResult(True, tenant_id, Money(taken), Money(owed), ended)
    return Finding(kind, charge_id, stars, ours, paid, refunded)
