"""The audit's checks: each is a query that must return no rows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. `sql` selects the rows that break it; `counts` selects the rows that it reads.

    Both may use :transfer, :attempt, :resolved and :invoice, the last rows that are proven; 0 reads all rows.
    """

    name: str
    rule: str
    sql: str
    counts: str


_NEW_TRANSFERS = "transfers WHERE id > :transfer"
_NEW_ATTEMPTS = "attempts WHERE id > :attempt"
_NEW_HOLDS = "holds WHERE state <> 'captured' OR resolved_at >= :resolved"
NEW_INVOICES = "invoices WHERE number > :invoice"
_OWED = "':' || 'owed'"  # the single literal ':owed' would be read as a placeholder
_LAST_GIVEN = "COALESCE((SELECT CAST(value AS BIGINT) FROM watermarks WHERE name = 'invoices'), 0)"
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
        "no wallet or allowance is below zero, and no more is held than there is",
        "SELECT * FROM accounts WHERE balance_nanousd < 0 OR held_nanousd < 0"
        " OR held_nanousd > balance_nanousd OR owed_nanousd < 0"
        " OR allowance_used_tokens < 0 OR allowance_held_tokens < 0"
        " OR allowance_used_tokens + allowance_held_tokens > allowance_tokens",
        "accounts",
    ),
    Check(
        "balance",
        "each wallet's balance equals the sum of its ledger entries",
        f"SELECT a.tenant_id, a.balance_nanousd, COALESCE(e.sum, 0) AS entries FROM accounts a LEFT JOIN {_SUMS} e"
        " ON e.account = 'tenant:' || a.tenant_id WHERE a.balance_nanousd <> COALESCE(e.sum, 0)",
        "accounts",
    ),
    Check(
        "owed",
        "each tenant's debt equals the sum of its ledger entries",
        f"SELECT a.tenant_id, a.owed_nanousd, COALESCE(e.sum, 0) AS entries FROM accounts a LEFT JOIN {_SUMS} e"
        " ON e.account = 'owed:' || a.tenant_id WHERE a.owed_nanousd <> -COALESCE(e.sum, 0)",
        "accounts",
    ),
    Check(
        "held",
        "each wallet's held amount equals the sum of its open holds",
        "SELECT a.tenant_id, a.held_nanousd, COALESCE(h.wallet, 0) AS holds FROM accounts a LEFT JOIN"
        " (SELECT tenant_id, SUM(wallet_nanousd) AS wallet FROM holds WHERE state = 'open'"
        " GROUP BY tenant_id) h ON h.tenant_id = a.tenant_id WHERE a.held_nanousd <> COALESCE(h.wallet, 0)",
        "accounts",
    ),
    Check(
        "allowance",
        "each allowance's used and held tokens equal the sums of this period's holds, less the tokens given back",
        "SELECT a.tenant_id, a.allowance_used_tokens, a.allowance_held_tokens, COALESCE(h.used, 0) AS used,"
        " COALESCE(h.held, 0) AS held FROM accounts a LEFT JOIN"
        " (SELECT tenant_id, period_no, SUM(charged_allowance_tokens) AS used,"
        " SUM(CASE WHEN state = 'open' THEN allowance_tokens ELSE 0 END) AS held"
        " FROM holds WHERE created_at >= (SELECT MIN(period_start_at) FROM accounts) - 3600000"
        " GROUP BY tenant_id, period_no) h"
        " ON h.tenant_id = a.tenant_id AND h.period_no = a.period_no"
        " LEFT JOIN (SELECT tenant_id, period_no, SUM(allowance_tokens) AS tokens FROM returned_charges"
        " GROUP BY tenant_id, period_no) r ON r.tenant_id = a.tenant_id AND r.period_no = a.period_no"
        " WHERE a.allowance_used_tokens <> COALESCE(h.used, 0) - COALESCE(r.tokens, 0)"
        " OR a.allowance_held_tokens <> COALESCE(h.held, 0)",
        "accounts",
    ),
    Check(
        "shares",
        "each member's held share of a shared wallet equals the sum of its open holds, and each share of a team's"
        " wallet that of its captured holds, less those given back",
        "SELECT s.wallet_id, s.tenant_id, s.day, s.held_nanousd, s.worth_nanousd, COALESCE(h.held, 0) AS held,"
        " COALESCE(h.worth, 0) AS worth FROM member_shares s LEFT JOIN (SELECT h.tenant_id, h.member_id, h.share_day,"
        " SUM(CASE WHEN h.state = 'open' THEN h.share_nanousd ELSE 0 END) AS held,"
        " SUM(CASE WHEN h.state = 'captured' AND r.request_id IS NULL THEN h.share_nanousd ELSE 0 END) AS worth"
        " FROM holds h LEFT JOIN returned_charges r ON r.request_id = h.request_id WHERE h.member_id IS NOT NULL"
        " GROUP BY h.tenant_id, h.member_id, h.share_day) h ON h.tenant_id = s.wallet_id"
        " AND h.member_id = s.tenant_id AND h.share_day = s.day WHERE s.held_nanousd <> COALESCE(h.held, 0)"
        " OR (s.worth_nanousd <> COALESCE(h.worth, 0) AND s.wallet_id IN (SELECT wallet_id FROM teams))",
        "member_shares",
    ),
    Check(
        "captures",
        "each captured hold matches one kept answer in the journal, to the nano-dollar and token",
        "SELECT h.request_id, h.charge_nanousd, h.charged_allowance_tokens FROM holds h WHERE h.state = 'captured'"
        " AND h.resolved_at >= :resolved"
        " AND NOT EXISTS (SELECT 1 FROM attempts t WHERE t.request_id = h.request_id AND t.kept"
        " AND t.charge_nanousd = h.charge_nanousd AND t.allowance_tokens = h.charged_allowance_tokens"
        " AND t.tenant_id = h.tenant_id)",
        _NEW_HOLDS,
    ),
    Check(
        "answers",
        "each kept answer has a captured hold, and each request at most one kept answer",
        "SELECT t.request_id, t.id FROM attempts t LEFT JOIN holds h ON h.request_id = t.request_id"
        " WHERE t.kept AND t.id > :attempt AND (h.request_id IS NULL OR h.state <> 'captured' OR EXISTS"
        " (SELECT 1 FROM attempts o WHERE o.kept AND o.request_id = t.request_id AND o.id <> t.id))",
        _NEW_ATTEMPTS,
    ),
    Check(
        "charges",
        "each captured hold's charge was posted, at most as held; no other hold was charged",
        "SELECT h.request_id, h.charge_nanousd, t.amount_nanousd FROM holds h"
        " LEFT JOIN transfers t ON t.ref = 'hold:' || h.request_id || ':' || h.epoch"
        " WHERE (h.state <> 'captured' OR h.resolved_at >= :resolved)"
        " AND CASE WHEN h.state = 'captured' THEN h.charge_nanousd <> COALESCE(t.amount_nanousd, 0)"
        " OR h.charge_nanousd > h.wallet_nanousd"
        " ELSE t.id IS NOT NULL OR h.charge_nanousd <> 0 END",
        _NEW_HOLDS,
    ),
    Check(
        "stray_charges",
        "each posted charge names a captured hold",
        "SELECT t.id, t.ref, t.amount_nanousd FROM transfers t LEFT JOIN holds h"
        " ON h.request_id = rtrim(rtrim(substr(t.ref, 6), '0123456789'), ':') AND h.tenant_id = t.tenant_id"
        " AND t.ref = 'hold:' || h.request_id || ':' || h.epoch AND h.state = 'captured'"
        " WHERE t.kind = 'charge' AND t.id > :transfer AND h.request_id IS NULL",
        _NEW_TRANSFERS,
    ),
    Check(
        "returns",
        "each charge given back was that of a captured hold, was posted and journaled, and is no larger",
        "SELECT r.request_id, r.charge_nanousd, r.allowance_tokens FROM returned_charges r"
        " LEFT JOIN holds h ON h.request_id = r.request_id AND h.tenant_id = r.tenant_id AND h.state = 'captured'"
        " LEFT JOIN transfers t ON t.ref = 'undelivered:' || r.request_id AND t.tenant_id = r.tenant_id"
        " WHERE h.request_id IS NULL OR h.charge_nanousd <> r.charge_nanousd"
        " OR h.charged_allowance_tokens < r.allowance_tokens OR COALESCE(t.amount_nanousd, 0) <> r.charge_nanousd"
        " OR NOT EXISTS (SELECT 1 FROM attempts a WHERE a.request_id = r.request_id AND a.outcome = 'undelivered'"
        " AND a.charge_nanousd = -r.charge_nanousd AND a.allowance_tokens = -r.allowance_tokens)",
        "returned_charges",
    ),
    Check(
        "stray_returns",
        "each posted return names a charge that was given back",
        "SELECT t.id, t.ref, t.amount_nanousd FROM transfers t"
        " LEFT JOIN returned_charges r ON r.request_id = substr(t.ref, 13)"
        " WHERE t.kind = 'credit' AND t.debit = 'house:charges' AND t.id > :transfer AND r.request_id IS NULL",
        _NEW_TRANSFERS,
    ),
    Check(
        "payments",
        "each payment in Stars was credited with its own amount",
        "SELECT p.charge_id, p.credited_nanousd, t.amount_nanousd FROM payments p LEFT JOIN transfers t"
        " ON t.ref = 'stars:' || p.charge_id WHERE t.id IS NULL OR t.amount_nanousd <> p.credited_nanousd",
        "payments",
    ),
    Check(
        "stray_payments",
        "each credit for Stars names a payment",
        "SELECT t.id, t.ref, t.amount_nanousd FROM transfers t"
        " LEFT JOIN payments p ON p.charge_id = substr(t.ref, 7)"
        " WHERE t.kind = 'credit' AND t.debit = 'house:stars' AND t.id > :transfer AND p.charge_id IS NULL",
        _NEW_TRANSFERS,
    ),
    Check(
        "refunds",
        "each refunded payment was debited or owed in full; no other payment was",
        "SELECT p.charge_id, p.credited_nanousd, p.refunded_at, t.amount_nanousd AS taken, o.amount_nanousd AS owed"
        " FROM payments p LEFT JOIN transfers t ON t.ref = 'refund:' || p.charge_id"
        f" LEFT JOIN transfers o ON o.ref = 'refund:' || p.charge_id || {_OWED}"
        " WHERE COALESCE(t.amount_nanousd, 0) + COALESCE(o.amount_nanousd, 0)"
        " <> CASE WHEN p.refunded_at IS NULL THEN 0 ELSE p.credited_nanousd END",
        "payments",
    ),
    Check(
        "stray_refunds",
        "each posted refund names a payment",
        "SELECT t.id, t.ref, t.amount_nanousd FROM transfers t LEFT JOIN payments p ON p.charge_id ="
        f" CASE WHEN t.ref LIKE '%' || {_OWED} THEN substr(t.ref, 8, length(t.ref) - 12) ELSE substr(t.ref, 8) END"
        " WHERE t.kind = 'refund' AND t.id > :transfer AND p.charge_id IS NULL",
        _NEW_TRANSFERS,
    ),
    Check(
        "codes",
        "each used top-up code was credited with its amount to the tenant who used it; no other code was credited",
        "SELECT c.sha256, c.used_by, c.nanousd, t.tenant_id, t.amount_nanousd FROM codes c"
        " LEFT JOIN transfers t ON t.ref = 'code:' || c.sha256 WHERE c.kind = 'topup' AND CASE WHEN c.used_by IS NULL"
        " THEN t.id IS NOT NULL ELSE t.id IS NULL OR t.tenant_id <> c.used_by OR t.amount_nanousd <> c.nanousd END",
        "codes",
    ),
    Check(
        "stray_codes",
        "each credit for a code names a code",
        "SELECT t.id, t.ref, t.amount_nanousd FROM transfers t LEFT JOIN codes c ON c.sha256 = substr(t.ref, 6)"
        " WHERE t.debit = 'house:codes' AND t.id > :transfer AND c.sha256 IS NULL",
        _NEW_TRANSFERS,
    ),
    Check(
        "keys",
        "each API key's used and held tokens of this month equal the sums of its holds",
        "SELECT k.id, k.month, k.used_tokens, k.held_tokens, COALESCE(h.used, 0) AS used, COALESCE(h.held, 0) AS held"
        " FROM api_keys k LEFT JOIN (SELECT h.key_id, h.key_month,"
        " SUM(CASE WHEN h.state = 'open' THEN h.tokens ELSE 0 END) AS held, SUM(CASE WHEN h.state <> 'captured' THEN 0"
        " WHEN t.input_tokens + t.output_tokens < h.tokens THEN t.input_tokens + t.output_tokens ELSE h.tokens END)"
        " AS used FROM holds h LEFT JOIN attempts t ON t.request_id = h.request_id AND t.kept"
        " WHERE h.key_id IS NOT NULL AND h.key_month >= (SELECT MAX(month) FROM api_keys)"
        " GROUP BY h.key_id, h.key_month) h ON h.key_id = k.id AND h.key_month = k.month"
        " WHERE k.month >= (SELECT MAX(month) FROM api_keys)"
        " AND (k.used_tokens <> COALESCE(h.used, 0) OR k.held_tokens <> COALESCE(h.held, 0))",
        "api_keys",
    ),
    Check(
        "audited_point",
        "the balances of the audited point equal the sums of their ledger entries",
        "SELECT b.account, b.sum_nanousd, COALESCE(e.sum, 0) AS entries FROM audited_balances b LEFT JOIN"
        " (SELECT account, SUM(amount_nanousd) AS sum FROM ledger_entries"
        " WHERE :transfer = 0 AND transfer_id <= :audited GROUP BY account) e"
        " ON e.account = b.account WHERE :transfer = 0 AND b.sum_nanousd <> COALESCE(e.sum, 0)",
        "audited_balances",
    ),
    Check(
        "invoices",
        "each invoice's opening, movement and closing equal the sums of its ledger entries",
        "SELECT i.number, i.tenant_id, i.month, i.opening_nanousd, i.closing_nanousd FROM invoices i"
        " LEFT JOIN transfers t ON t.tenant_id = i.tenant_id AND t.created_at < i.until_at"
        " WHERE i.number > :invoice"
        " GROUP BY i.id, i.number, i.tenant_id, i.month, i.opening_nanousd, i.moved_nanousd, i.closing_nanousd,"
        " i.from_at"
        " HAVING i.closing_nanousd <> COALESCE(SUM(CASE WHEN t.credit = 'tenant:' || i.tenant_id THEN t.amount_nanousd"
        " WHEN t.debit = 'tenant:' || i.tenant_id THEN -t.amount_nanousd ELSE 0 END), 0)"
        " OR i.closing_nanousd <> i.opening_nanousd + i.moved_nanousd"
        " OR i.opening_nanousd <> COALESCE(SUM(CASE WHEN t.created_at >= i.from_at THEN 0"
        " WHEN t.credit = 'tenant:' || i.tenant_id THEN t.amount_nanousd"
        " WHEN t.debit = 'tenant:' || i.tenant_id THEN -t.amount_nanousd ELSE 0 END), 0)",
        NEW_INVOICES,
    ),
    Check(
        "invoice_numbers",
        "invoices are numbered from 1 without gaps up to the last number issued",
        f"SELECT MAX(number) AS last, COUNT(*) AS invoices, {_LAST_GIVEN} AS given FROM invoices"
        f" HAVING COALESCE(MAX(number), 0) <> COUNT(*) OR COUNT(*) <> {_LAST_GIVEN}",
        "invoices",
    ),
)
