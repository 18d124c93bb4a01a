"""Audit: what must always be true of the books (checks.py, and the invoices drawn up again). Read-only.

It rolls forward from the last audited point: what was proven and can't change isn't looked at again. The point
(`audited_balances` and a watermark) is moved by the clock's job, never by an audit.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from storage.database import watermarks
from storage.database.connection import Connection, for_update, scalar
from storage.database.dates import ms
from storage.invoices import verification
from storage.operations.audit_checks import CHECKS, NEW_INVOICES

SETTLED = timedelta(minutes=10)  # no transaction lasts that long: older rows are all there
OVERLAP = 10_000  # attempts looked at again: their numbers are given before they are committed
CHUNK = 2_000
_POINT = "audit"  # the name of its note


@dataclass(frozen=True, slots=True)
class AuditProblem:
    check: str
    rule: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """`checked`: rows looked at, per check."""

    checked: dict[str, int] = field(default_factory=dict)
    problems: tuple[AuditProblem, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class AuditPoint:
    """All up to these was proven: numbers of a transfer, an attempt, an invoice; milliseconds of a resolution."""

    transfer: int = 0
    attempt: int = 0
    resolved: int = 0
    invoice: int = 0


def audit(conn: Connection, *, full: bool = False) -> AuditReport:
    """Every check on one snapshot; `full` looks at everything again, and at the audited point itself."""
    point = AuditPoint() if full else audited_point(conn)
    values = _values(conn, point)
    if conn.dialect == "postgresql":
        conn.run("SET LOCAL statement_timeout = '30min'")  # ten million rows take longer than a unit may
    counts = {check.name: check.counts for check in CHECKS} | {verification.NAME: NEW_INVOICES}
    rows = {of: int(scalar(conn, f"SELECT COUNT(*) AS n FROM {of}", **values)) for of in set(counts.values())}
    return AuditReport({name: rows[of] for name, of in counts.items()}, tuple(problems(conn, point)))


def problems(conn: Connection, point: AuditPoint | None = None) -> list[AuditProblem]:
    """The rows that break a rule."""
    values = _values(conn, point or AuditPoint())
    found = [AuditProblem(c.name, c.rule, dict(broken)) for c in CHECKS for broken in conn.rows(c.sql, **values)]
    redrawn = verification.differences(conn, after=values["invoice"])
    return found + [AuditProblem(verification.NAME, verification.RULE, broken) for broken in redrawn]


def _values(conn: Connection, point: AuditPoint) -> dict[str, int]:
    return {**asdict(point), "audited": audited_point(conn).transfer}


def audited_point(conn: Connection) -> AuditPoint:
    return _point(watermarks.read(conn, _POINT))


def _point(stored: str | None) -> AuditPoint:
    return AuditPoint(**json.loads(stored)) if stored else AuditPoint()


def settled_point(conn: Connection, now: datetime) -> AuditPoint:
    """How far a clean audit of this snapshot has proven the books."""
    safe = {"safe": ms(now - SETTLED)}
    last = "SELECT id FROM {} WHERE {} < :safe ORDER BY id DESC LIMIT 1"
    transfer = scalar(conn, last.format("transfers", "created_at"), **safe) or 0
    attempt = scalar(conn, last.format("attempts", "started_at"), **safe) or 0
    invoice = scalar(conn, "SELECT MAX(number) AS n FROM invoices") or 0
    return AuditPoint(transfer, max(0, attempt - OVERLAP), safe["safe"], invoice)


def advance(conn: Connection, to: AuditPoint) -> bool:
    """Move the audited point one chunk towards `to`, which a clean audit has proven; True when it is there.

    Two clocks that do so at once take turns: no chunk is summed twice.
    """
    watermarks.replace(conn, _POINT, None, "{}")  # a row to be locked
    start = _point(scalar(conn, "SELECT value FROM watermarks WHERE name = :name" + for_update(conn), name=_POINT))
    end = min(to.transfer, start.transfer + CHUNK)
    conn.run(
        "INSERT INTO audited_balances (account, sum_nanousd) SELECT account, SUM(amount_nanousd) FROM ledger_entries"
        " WHERE transfer_id > :start AND transfer_id <= :end GROUP BY account"
        " ON CONFLICT (account) DO UPDATE SET sum_nanousd = audited_balances.sum_nanousd + excluded.sum_nanousd",
        start=start.transfer,
        end=end,
    )
    there = end >= to.transfer
    point = replace(to, transfer=max(end, start.transfer)) if there else replace(start, transfer=end)
    watermarks.write(conn, _POINT, json.dumps(asdict(point)))
    return there
