"""Audit: what must always be true of the books. Read-only; each check is a query that should find nothing."""

from dataclasses import dataclass, field
from typing import Any

from storage.connection import Connection, scalar


@dataclass(frozen=True, slots=True)
class Check:
    """`sql` selects the rows that break the rule; `counts` says how many rows it looked at."""

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


CHECKS = (
    Check(
        "two_sides",
        "the two sides of every transfer sum to zero",
        "SELECT transfer_id, SUM(amount_nanousd) AS sum FROM ledger_entries GROUP BY transfer_id"
        " HAVING SUM(amount_nanousd) <> 0 OR COUNT(*) <> 2",
        "transfers",
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
        "SELECT a.tenant_id, a.balance_nanousd, COALESCE(e.sum, 0) AS entries FROM accounts a LEFT JOIN"
        " (SELECT account, SUM(amount_nanousd) AS sum FROM ledger_entries GROUP BY account) e"
        " ON e.account = 'tenant:' || a.tenant_id WHERE a.balance_nanousd <> COALESCE(e.sum, 0)",
        "accounts",
    ),
    Check(
        "owed",
        "what a tenant owes is the sum of its entries",
        "SELECT a.tenant_id, a.owed_nanousd, COALESCE(e.sum, 0) AS entries FROM accounts a LEFT JOIN"
        " (SELECT account, SUM(amount_nanousd) AS sum FROM ledger_entries GROUP BY account) e"
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
        " FROM holds GROUP BY tenant_id, period_no) h"
        " ON h.tenant_id = a.tenant_id AND h.period_no = a.period_no"
        " WHERE a.allowance_used_tokens <> COALESCE(h.used, 0)"
        " OR a.allowance_held_tokens <> COALESCE(h.held, 0)",
        "accounts",
    ),
    Check(
        "captures",
        "each captured hold matches one journaled answer, to the unit",
        "SELECT h.id, h.charge_nanousd, h.charged_allowance_tokens FROM holds h WHERE h.state = 'captured'"
        " AND (SELECT COUNT(*) FROM attempts t WHERE t.hold_id = h.id AND t.kept"
        " AND t.charge_nanousd = h.charge_nanousd AND t.allowance_tokens = h.charged_allowance_tokens"
        " AND t.tenant_id = h.tenant_id) <> 1",
        "holds",
    ),
    Check(
        "answers",
        "each kept answer has its captured hold",
        "SELECT t.request_id, t.hold_id FROM attempts t LEFT JOIN holds h ON h.id = t.hold_id"
        " WHERE t.kept AND (h.id IS NULL OR h.state <> 'captured')",
        "attempts",
    ),
    Check(
        "charges",
        "each captured hold's charge was posted once, and no other hold's",
        "SELECT h.id, h.charge_nanousd, t.amount_nanousd FROM holds h"
        " LEFT JOIN transfers t ON t.ref = 'hold:' || h.id"
        " WHERE (h.state = 'captured' AND h.charge_nanousd <> COALESCE(t.amount_nanousd, 0))"
        " OR (h.state <> 'captured' AND (t.id IS NOT NULL OR h.charge_nanousd <> 0))",
        "holds",
    ),
    Check(
        "stray_charges",
        "each charge that was posted names its captured hold",
        "SELECT t.id, t.ref, t.amount_nanousd FROM transfers t LEFT JOIN holds h ON h.id = substr(t.ref, 6)"
        " WHERE t.kind = 'charge' AND (h.id IS NULL OR h.state <> 'captured' OR h.tenant_id <> t.tenant_id)",
        "transfers",
    ),
    Check(
        "one_answer",
        "no request is paid twice",
        "SELECT request_id, COUNT(*) AS n FROM holds WHERE state = 'captured' GROUP BY request_id HAVING COUNT(*) > 1",
        "holds",
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
        " WHERE t.kind = 'credit' AND t.debit = 'house:stars' AND p.charge_id IS NULL",
        "transfers",
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


def audit(conn: Connection) -> Report:
    """Every check on one snapshot."""
    checked: dict[str, int] = {}
    problems: list[Problem] = []
    for check in CHECKS:
        counting = f"SELECT COUNT(*) AS n FROM {check.counts}"
        checked[check.name] = int(scalar(conn, counting))
        problems += [Problem(check.name, check.rule, dict(found)) for found in conn.rows(check.sql)]
    return Report(checked, tuple(problems))
