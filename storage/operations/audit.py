"""The audit: rules that must always hold for the ledger, the journal and the invoices. It only reads.

It starts from the audited point: rows up to it were proven and can't change, so they are not read again. The point
(table `audited_balances` and a watermark) is advanced by a job of the scheduler, never by the audit itself.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from storage.database import watermarks
from storage.database.connection import Connection, for_update, ms, scalar
from storage.invoices import verification
from storage.operations.audit_checks import CHECKS, NEW_INVOICES

SETTLED = timedelta(minutes=10)  # no transaction lasts that long, so all older rows are committed
OVERLAP = 10_000  # attempts that are read again, because ids are assigned before the commit
CHUNK = 2_000
_POINT = "audit"  # the name of the watermark that stores the audited point


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """One row that breaks a rule."""

    check: str
    rule: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result of an audit. `checked`: the number of rows that each check has read."""

    checked: dict[str, int] = field(default_factory=dict)
    problems: tuple[AuditProblem, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class AuditPoint:
    """The last proven rows: ids of a transfer and an attempt, a hold's resolution time in ms, an invoice number."""

    transfer: int = 0
    attempt: int = 0
    resolved: int = 0
    invoice: int = 0


def audit(conn: Connection, *, full: bool = False) -> AuditReport:
    """Run every check on one snapshot. With `full` all rows are read again, and the audited point itself is checked."""
    point = AuditPoint() if full else audited_point(conn)
    values = _values(conn, point)
    if conn.dialect == "postgresql":
        conn.run("SET LOCAL statement_timeout = '30min'")  # ten million rows exceed the usual timeout
    counts = {check.name: check.counts for check in CHECKS} | {verification.NAME: NEW_INVOICES}
    rows = {of: int(scalar(conn, f"SELECT COUNT(*) AS n FROM {of}", **values)) for of in set(counts.values())}
    return AuditReport({name: rows[of] for name, of in counts.items()}, tuple(problems(conn, point)))


def problems(conn: Connection, point: AuditPoint | None = None) -> list[AuditProblem]:
    """Return the rows after `point` that break a rule (None: of all rows)."""
    values = _values(conn, point or AuditPoint())
    found = [AuditProblem(c.name, c.rule, dict(broken)) for c in CHECKS for broken in conn.rows(c.sql, **values)]
    wrong_invoices = verification.differences(conn, after=values["invoice"])
    return found + [AuditProblem(verification.NAME, verification.RULE, broken) for broken in wrong_invoices]


def _values(conn: Connection, point: AuditPoint) -> dict[str, int]:
    return {**asdict(point), "audited": audited_point(conn).transfer}


def audited_point(conn: Connection) -> AuditPoint:
    return _point(watermarks.read(conn, _POINT))


def _point(stored: str | None) -> AuditPoint:
    return AuditPoint(**json.loads(stored)) if stored else AuditPoint()


def settled_point(conn: Connection, now: datetime) -> AuditPoint:
    """Return the point up to which the rows are proven if the audit of this snapshot finds no problem."""
    safe = {"safe": ms(now - SETTLED)}
    last = "SELECT id FROM {} WHERE {} < :safe ORDER BY id DESC LIMIT 1"
    transfer = scalar(conn, last.format("transfers", "created_at"), **safe) or 0
    attempt = scalar(conn, last.format("attempts", "started_at"), **safe) or 0
    invoice = scalar(conn, "SELECT MAX(number) AS n FROM invoices") or 0
    return AuditPoint(transfer, max(0, attempt - OVERLAP), safe["safe"], invoice)


def advance(conn: Connection, to: AuditPoint) -> bool:
    """Move the audited point one chunk towards `to`, which an audit has proven. Return True when `to` is reached.

    If two processes do this at once, a row lock lets them take turns, so that no chunk is added twice.
    """
    watermarks.replace(conn, _POINT, None, "{}")  # creates the row that the next statement locks
    start = _point(scalar(conn, "SELECT value FROM watermarks WHERE name = :name" + for_update(conn), name=_POINT))
    end = min(to.transfer, start.transfer + CHUNK)
    conn.run(
        "INSERT INTO audited_balances (account, sum_nanousd) SELECT account, SUM(amount_nanousd) FROM ledger_entries"
        " WHERE transfer_id > :start AND transfer_id <= :end GROUP BY account"
        " ON CONFLICT (account) DO UPDATE SET sum_nanousd = audited_balances.sum_nanousd + excluded.sum_nanousd",
        start=start.transfer,
        end=end,
    )
    is_reached = end >= to.transfer
    point = replace(to, transfer=max(end, start.transfer)) if is_reached else replace(start, transfer=end)
    watermarks.write(conn, _POINT, json.dumps(asdict(point)))
    return is_reached
