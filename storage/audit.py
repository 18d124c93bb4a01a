"""Audit: what must always be true of the books. Read-only; each check is a query that should find nothing.

It rolls forward from the last audited point: what was proven and can't change isn't looked at again. The point
(`audited_balances` and a watermark) is moved by the clock's job, never by an audit.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from storage import notes
from storage.connection import Connection, ms, scalar

SETTLED = timedelta(minutes=10)  # no transaction lasts that long: older rows are all there
OVERLAP = 10_000  # attempts looked at again: their numbers are given before they are committed
CHUNK = 2_000
_POINT = "audit"  # the name of its note


@dataclass(frozen=True, slots=True)
class Check:
    """`sql` selects the rows that break the rule; `counts` says which rows it looked at.

    Both may name :transfer, :attempt and :resolved, the last that are proven; 0 = everything is looked at.
    """

    name: str
    rule: str
    sql: str
    counts: str


@dataclass(frozen=True, slots=True)
class Problem:
    check: str
    rule: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """`checked`: rows looked at, per check."""

    checked: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class Point:
    """Everything up to these was proven: numbers of a transfer and an attempt, milliseconds of a hold's resolution."""

    transfer: int = 0
    attempt: int = 0
    resolved: int = 0


def audit(conn: Connection, *, full: bool = False) -> Report:
    """Every check on one snapshot; `full` looks at everything again, and at the audited point itself."""
    point = Point() if full else audited_point(conn)
    values = _values(conn, point)
    if conn.dialect == "postgresql":
        conn.run("SET LOCAL statement_timeout = '30min'")  # ten million rows take longer than a unit may
    rows = {of: int(scalar(conn, f"SELECT COUNT(*) AS n FROM {of}", **values)) for of in {c.counts for c in CHECKS}}
    return Report({c.name: rows[c.counts] for c in CHECKS}, tuple(problems(conn, point)))


def problems(conn: Connection, point: Point | None = None) -> list[Problem]:
    """The rows that break a rule."""
    values = _values(conn, point or Point())
    return [Problem(c.name, c.rule, dict(found)) for c in CHECKS for found in conn.rows(c.sql, **values)]


def _values(conn: Connection, point: Point) -> dict[str, int]:
    return {**asdict(point), "audited": audited_point(conn).transfer}


def audited_point(conn: Connection) -> Point:
    stored = notes.read(conn, _POINT)
    return Point(**json.loads(stored)) if stored else Point()


def settled_point(conn: Connection, now: datetime) -> Point:
    """How far a clean audit of this snapshot has proven the books."""
    safe = {"safe": ms(now - SETTLED)}
    last = "SELECT id FROM {} WHERE {} < :safe ORDER BY id DESC LIMIT 1"
    transfer = scalar(conn, last.format("transfers", "created_at"), **safe) or 0
    attempt = scalar(conn, last.format("attempts", "started_at"), **safe) or 0
    return Point(transfer, max(0, attempt - OVERLAP), safe["safe"])


def advance(conn: Connection, to: Point) -> bool:
    """Move the audited point one chunk towards `to`, which a clean audit has proven; True when it is there."""
    start = audited_point(conn)
    end = min(to.transfer, start.transfer + CHUNK)
    conn.run(
        "INSERT INTO audited_balances (account, sum_nanousd) SELECT account, SUM(amount_nanousd) FROM ledger_entries"
        " WHERE transfer_id > :start AND transfer_id <= :end GROUP BY account"
        " ON CONFLICT (account) DO UPDATE SET sum_nanousd = audited_balances.sum_nanousd + excluded.sum_nanousd",
        start=start.transfer,
        end=end,
    )
    there = end >= to.transfer
    point = (
        Point(max(end, start.transfer), to.attempt, to.resolved) if there else Point(end, start.attempt, start.resolved)
    )
    notes.write(conn, _POINT, json.dumps(asdict(point)))
    return there


_NEW_TRANSFERS = "transfers WHERE id > :transfer"
_NEW_ATTEMPTS = "attempts WHERE id > :attempt"
_NEW_HOLDS = "holds WHERE state <> 'captured' OR resolved_at >= :resolved"
_SUMS = """
(SELECT account, SUM(part) AS sum FROM
  (SELECT account, sum_nanousd AS part FROM audited_balances WHERE :transfer > 0
   UNION ALL SELECT account, amount_nanousd FROM ledger_entries WHERE transfer_id > :transfer) parts GROUP BY account)
"""

CHECKS = (
    Check(
        "two_sides",
        "the two sides of every transfer sum to zero",
        "SELECT transfer_id, SUM(amount_nanousd) AS sum FROM ledger_entries WHERE transfer_id > :transfer"
        " GROUP BY transfer_id HAVING SUM(amount_nanousd) <> 0 OR COUNT(*) <> 2",
        _NEW_TRANSFERS,
    ),
    Check(
        "not_negative",
        "no wallet or allowance is below zero, nor held twice",
        "SELECT * FROM accounts WHERE balance_nanousd < 0 OR held_nanousd < 0"
        " OR held_nanousd > balance_nanousd OR owed_nanousd < 0"
        " OR allowance_used_tokens < 0 OR allowance_held_tokens < 0"
        " OR allowance_used_tokens + allowance_held_tokens > allowance_tokens",
        "accounts",
    ),
    Check(
        "balance",
        "a wallet's balance is the sum of its entries",
        f"SELECT a.tenant_id, a.balance_nanousd, COALESCE(e.sum, 0) AS entries FROM accounts a LEFT JOIN {_SUMS} e"
        " ON e.account = 'tenant:' || a.tenant_id WHERE a.balance_nanousd <> COALESCE(e.sum, 0)",
        "accounts",
    ),
    Check(
        "owed",
        "what a tenant owes is the sum of its entries",
        f"SELECT a.tenant_id, a.owed_nanousd, COALESCE(e.sum, 0) AS entries FROM accounts a LEFT JOIN {_SUMS} e"
        " ON e.account = 'owed:' || a.tenant_id WHERE a.owed_nanousd <> -COALESCE(e.sum, 0)",
        "accounts",
    ),
    Check(
        "held",
        "what is held is the sum of the open holds",
        "SELECT a.tenant_id, a.held_nanousd, COALESCE(h.wallet, 0) AS holds FROM accounts a LEFT JOIN"
        " (SELECT tenant_id, SUM(wallet_nanousd) AS wallet FROM holds WHERE state = 'open'"
        " GROUP BY tenant_id) h ON h.tenant_id = a.tenant_id WHERE a.held_nanousd <> COALESCE(h.wallet, 0)",
        "accounts",
    ),
    Check(
        "allowance",
        "the allowance used and held is the sum of this period's holds",
        "SELECT a.tenant_id, a.allowance_used_tokens, a.allowance_held_tokens, COALESCE(h.used, 0) AS used,"
        " COALESCE(h.held, 0) AS held FROM accounts a LEFT JOIN"
        " (SELECT tenant_id, period_no, SUM(charged_allowance_tokens) AS used,"
        " SUM(CASE WHEN state = 'open' THEN allowance_tokens ELSE 0 END) AS held"
        " FROM holds WHERE created_at >= (SELECT MIN(period_start_at) FROM accounts) - 3600000"
        " GROUP BY tenant_id, period_no) h"
        " ON h.tenant_id = a.tenant_id AND h.period_no = a.period_no"
        " WHERE a.allowance_used_tokens <> COALESCE(h.used, 0)"
        " OR a.allowance_held_tokens <> COALESCE(h.held, 0)",
        "accounts",
    ),
    Check(
        "captures",
        "each captured hold matches one journaled answer, to the unit",
        "SELECT h.request_id, h.charge_nanousd, h.charged_allowance_tokens FROM holds h WHERE h.state = 'captured'"
        " AND h.resolved_at >= :resolved"
        " AND NOT EXISTS (SELECT 1 FROM attempts t WHERE t.request_id = h.request_id AND t.kept"
        " AND t.charge_nanousd = h.charge_nanousd AND t.allowance_tokens = h.charged_allowance_tokens"
        " AND t.tenant_id = h.tenant_id)",
        _NEW_HOLDS,
    ),
    Check(
        "answers",
        "each kept answer has its captured hold",
        "SELECT t.request_id, t.id FROM attempts t LEFT JOIN holds h ON h.request_id = t.request_id"
        " WHERE t.kept AND t.id > :attempt AND (h.request_id IS NULL OR h.state <> 'captured' OR EXISTS"
        " (SELECT 1 FROM attempts o WHERE o.kept AND o.request_id = t.request_id AND o.id <> t.id))",
        _NEW_ATTEMPTS,
    ),
    Check(
        "charges",
        "each captured hold's charge was posted once, and no other hold's",
        "SELECT h.request_id, h.charge_nanousd, t.amount_nanousd FROM holds h"
        " LEFT JOIN transfers t ON t.ref = 'hold:' || h.request_id || ':' || h.epoch"
        " WHERE (h.state <> 'captured' OR h.resolved_at >= :resolved)"
        " AND CASE WHEN h.state = 'captured' THEN h.charge_nanousd <> COALESCE(t.amount_nanousd, 0)"
        " ELSE t.id IS NOT NULL OR h.charge_nanousd <> 0 END",
        _NEW_HOLDS,
    ),
    Check(
        "stray_charges",
        "each charge that was posted names its captured hold",
        "SELECT t.id, t.ref, t.amount_nanousd FROM transfers t LEFT JOIN holds h"
        " ON h.request_id = rtrim(rtrim(substr(t.ref, 6), '0123456789'), ':') AND h.tenant_id = t.tenant_id"
        " AND t.ref = 'hold:' || h.request_id || ':' || h.epoch AND h.state = 'captured'"
        " WHERE t.kind = 'charge' AND t.id > :transfer AND h.request_id IS NULL",
        _NEW_TRANSFERS,
    ),
    Check(
        "payments",
        "each Telegram charge id is credited once, as paid",
        "SELECT p.charge_id, p.credited_nanousd, t.amount_nanousd FROM payments p LEFT JOIN transfers t"
        " ON t.ref = 'stars:' || p.charge_id WHERE t.id IS NULL OR t.amount_nanousd <> p.credited_nanousd",
        "payments",
    ),
    Check(
        "stray_payments",
        "each credit of Stars names its payment",
        "SELECT t.id, t.ref, t.amount_nanousd FROM transfers t"
        " LEFT JOIN payments p ON p.charge_id = substr(t.ref, 7)"
        " WHERE t.kind = 'credit' AND t.debit = 'house:stars' AND t.id > :transfer AND p.charge_id IS NULL",
        _NEW_TRANSFERS,
    ),
    Check(
        "audited_point",
        "what an earlier audit had proven still adds up",
        "SELECT b.account, b.sum_nanousd, COALESCE(e.sum, 0) AS entries FROM audited_balances b LEFT JOIN"
        " (SELECT account, SUM(amount_nanousd) AS sum FROM ledger_entries"
        " WHERE :transfer = 0 AND transfer_id <= :audited GROUP BY account) e"
        " ON e.account = b.account WHERE :transfer = 0 AND b.sum_nanousd <> COALESCE(e.sum, 0)",
        "audited_balances",
    ),
    Check(
        "invoices",
        "every invoice equals its entries: opening, movement and closing",
        "SELECT i.number, i.tenant_id, i.month, i.opening_nanousd, i.closing_nanousd FROM invoices i"
        " LEFT JOIN transfers t ON t.tenant_id = i.tenant_id AND t.created_at < i.until_at"
        " GROUP BY i.id, i.number, i.tenant_id, i.month, i.opening_nanousd, i.closing_nanousd, i.from_at"
        " HAVING i.closing_nanousd <> COALESCE(SUM(CASE WHEN t.credit = 'tenant:' || i.tenant_id THEN t.amount_nanousd"
        " WHEN t.debit = 'tenant:' || i.tenant_id THEN -t.amount_nanousd ELSE 0 END), 0)"
        " OR i.opening_nanousd <> COALESCE(SUM(CASE WHEN t.created_at >= i.from_at THEN 0"
        " WHEN t.credit = 'tenant:' || i.tenant_id THEN t.amount_nanousd"
        " WHEN t.debit = 'tenant:' || i.tenant_id THEN -t.amount_nanousd ELSE 0 END), 0)",
        "invoices",
    ),
    Check(
        "invoice_numbers",
        "invoices are numbered from 1 without gaps",
        "SELECT MAX(number) AS last, COUNT(*) AS invoices FROM invoices HAVING COALESCE(MAX(number), 0) <> COUNT(*)",
        "invoices",
    ),
)
