"""The SQL of batches of holds and captures. Every guard is a condition of the statement that writes.

Special cases (a duplicate, an earlier hold, a new month of an API key) are left to the statements of holds_sql.
"""

from storage.database.statements import BatchQuery, BatchWrite
from storage.ledger.holds_sql import ATTEMPT, INTO_ATTEMPTS, INTO_HOLDS, INTO_RECEIPTS, INTO_TRANSFERS, REPLACE_RECEIPT

FUNDS = BatchQuery(
    """
SELECT tenant_id, allowance_tokens - allowance_used_tokens - allowance_held_tokens,
       balance_nanousd - held_nanousd - owed_nanousd, period_no
FROM accounts WHERE true
""",
    "tenant_id",
    "bigint",
    locks="accounts",
)
KEYS = BatchQuery(
    "SELECT id, month, tokens_per_month - used_tokens - held_tokens FROM api_keys WHERE true",
    "id",
    "bigint",
    locks="api_keys",
)
HELD_BEFORE = BatchQuery("SELECT 1 FROM holds WHERE true", "request_id", "text")
TAKE_FUNDS = BatchWrite(
    """
UPDATE accounts SET held_nanousd = held_nanousd + :wallet, allowance_held_tokens = allowance_held_tokens + :allowance
 WHERE tenant_id = :tenant AND balance_nanousd - held_nanousd >= :wallet
  AND allowance_tokens - allowance_used_tokens - allowance_held_tokens >= :allowance
""",
    "wallet", "allowance", "tenant",
)  # fmt: skip
TAKE_KEYS = BatchWrite(
    """
UPDATE api_keys SET held_tokens = held_tokens + :tokens
 WHERE id = :key AND month = :month
  AND (tokens_per_month IS NULL OR used_tokens + held_tokens + :tokens <= tokens_per_month)
""",
    "tokens", "key", "month",
)  # fmt: skip
HOLDS = BatchWrite(
    f"""{INTO_HOLDS}
SELECT :request, :epoch, :tenant, :key, :month, 'open', :wallet, :allowance, :tokens, :period, :lease, :now
 WHERE true ON CONFLICT DO NOTHING
""",
    "request text", "epoch", "tenant", "key", "month", "wallet", "allowance", "tokens", "period", "lease text", "now",
)  # fmt: skip
ALL_HELD = BatchQuery(
    """
SELECT h.request_id, h.epoch, h.tenant_id, h.wallet_nanousd, h.allowance_tokens, h.tokens, h.key_id, h.key_month,
       a.period_no = h.period_no, a.allowance_tokens - a.allowance_used_tokens - a.allowance_held_tokens, t.plan
FROM holds h JOIN accounts a ON a.tenant_id = h.tenant_id JOIN tenants t ON t.id = h.tenant_id
WHERE h.state = 'open'
""",
    "h.request_id",
    "text",
    locks="a",
    order="a.tenant_id",
)
RESOLVE_ALL = BatchWrite(
    """
UPDATE holds SET state = 'captured', resolved_at = :now, charge_nanousd = :charge,
  charged_allowance_tokens = :charged_allowance
 WHERE request_id = :request AND epoch = :epoch AND state = 'open'
""",
    "now", "charge", "charged_allowance", "request text", "epoch",
)  # fmt: skip
RELEASE_ALL = BatchWrite(
    """
UPDATE accounts SET held_nanousd = held_nanousd - :wallet, balance_nanousd = balance_nanousd - :charge,
  allowance_held_tokens = allowance_held_tokens - :allowance, allowance_used_tokens = allowance_used_tokens + :used
 WHERE tenant_id = :tenant
""",
    "wallet", "charge", "allowance", "used", "tenant",
)  # fmt: skip
RELEASE_KEYS = BatchWrite(
    """
UPDATE api_keys SET held_tokens = held_tokens - :tokens, used_tokens = used_tokens + :spent
 WHERE id = :key AND month = :month
""",
    "tokens", "spent", "key", "month",
)  # fmt: skip
CHARGES = BatchWrite(
    f"""{INTO_TRANSFERS}
SELECT 'charge', :debit, :credit, :charge, :tenant, :ref, '', :now WHERE true
""",
    "debit text", "credit text", "charge", "tenant", "ref text", "now",
)  # fmt: skip
ATTEMPTS = BatchWrite(
    f"{INTO_ATTEMPTS} SELECT {', '.join(f':{name}' for name in ATTEMPT)} WHERE true",
    *(f"{name} {kind}" for name, kind in ATTEMPT.items()),
)
RECEIPTS = BatchWrite(
    f"""{INTO_RECEIPTS}
SELECT :tenant, :answered_at, :charge, :allowance, :receipt WHERE true {REPLACE_RECEIPT}
""",
    "tenant", "answered_at", "charge", "allowance", "receipt text",
)  # fmt: skip
