"""The SQL of hold, capture and void for one request. Every guard is a condition of the statement that writes."""

from storage.database.statements import Statement

FUNDS = Statement(
    """
SELECT a.allowance_tokens - a.allowance_used_tokens - a.allowance_held_tokens,
       a.balance_nanousd - a.held_nanousd - a.owed_nanousd, a.period_no, h.state, h.epoch
FROM accounts a LEFT JOIN holds h ON h.request_id = :request WHERE a.tenant_id = :tenant
""",
    locks="a",
)

_TAKE_FUNDS = """
UPDATE accounts SET held_nanousd = held_nanousd + :wallet, allowance_held_tokens = allowance_held_tokens + :allowance
WHERE tenant_id = :tenant AND balance_nanousd - held_nanousd >= :wallet
  AND allowance_tokens - allowance_used_tokens - allowance_held_tokens >= :allowance
  AND NOT EXISTS (SELECT 1 FROM holds WHERE request_id = :request
                  AND (state IN ('open', 'captured') OR epoch >= :epoch))
RETURNING 1
"""
INTO_HOLDS = """
INSERT INTO holds (request_id, epoch, tenant_id, key_id, key_month, state, wallet_nanousd, allowance_tokens, tokens,
  period_no, lease_id, created_at)
"""
_REPLACE_HOLD = """
ON CONFLICT (request_id) DO UPDATE SET epoch = excluded.epoch, tenant_id = excluded.tenant_id, key_id = excluded.key_id,
  key_month = excluded.key_month, state = 'open', wallet_nanousd = excluded.wallet_nanousd,
  allowance_tokens = excluded.allowance_tokens, tokens = excluded.tokens, period_no = excluded.period_no,
  lease_id = excluded.lease_id, created_at = excluded.created_at, resolved_at = NULL, member_id = NULL, share_day = 0,
  share_nanousd = 0
WHERE holds.state IN ('void', 'expired') AND holds.epoch < excluded.epoch
  AND COALESCE(holds.member_id, holds.tenant_id) = CAST(:asker AS BIGINT)
RETURNING 1
"""
TAKE = Statement(
    _TAKE_FUNDS,
    f"""{INTO_HOLDS}
VALUES (:request, :epoch, :tenant, :key, :month, 'open', :wallet, :allowance, :tokens, :period, :lease, :now)
{_REPLACE_HOLD}""",
    postgresql=f"""
WITH taken AS ({_TAKE_FUNDS})
{INTO_HOLDS}
SELECT :request, :epoch::bigint, :tenant::bigint, :key::bigint, :month::bigint, 'open', :wallet::bigint,
  :allowance::bigint, :tokens::bigint, :period::bigint, :lease, :now::bigint FROM taken
{_REPLACE_HOLD}""",
)

BEGIN_MONTH = Statement(
    "UPDATE api_keys SET month = :month, used_tokens = 0, held_tokens = 0 WHERE id = :key AND month < :month"
)
KEY_TOKENS = Statement(
    "SELECT month, tokens_per_month - used_tokens - held_tokens FROM api_keys k WHERE id = :key", locks="k"
)
TAKE_KEY = Statement("""
UPDATE api_keys SET held_tokens = held_tokens + :tokens WHERE id = :key AND month = :month
  AND (tokens_per_month IS NULL OR used_tokens + held_tokens + :tokens <= tokens_per_month) RETURNING 1
""")
RELEASE_KEY = Statement("""
UPDATE api_keys SET held_tokens = held_tokens - :tokens, used_tokens = used_tokens + :spent
WHERE id = :key AND month = :month
""")

# PostgreSQL reads the account again after waiting for its lock, but not the hold, so RESOLVE checks the state again.
HELD = Statement(
    """
SELECT h.tenant_id, h.wallet_nanousd, h.allowance_tokens, h.tokens, h.key_id, h.key_month,
       a.period_no = h.period_no, a.allowance_tokens - a.allowance_used_tokens - a.allowance_held_tokens, t.plan,
       h.member_id, h.share_day, h.share_nanousd
FROM holds h JOIN accounts a ON a.tenant_id = h.tenant_id JOIN tenants t ON t.id = h.tenant_id
WHERE h.request_id = :request AND h.epoch = :epoch AND h.state = 'open'
""",
    locks="a",
)
RESOLVE = Statement("""
UPDATE holds SET state = :state, resolved_at = :now, charge_nanousd = :charge,
  charged_allowance_tokens = :charged_allowance
WHERE request_id = :request AND epoch = :epoch AND state = 'open' RETURNING 1
""")
RELEASE = Statement("""
UPDATE accounts SET held_nanousd = held_nanousd - :wallet, balance_nanousd = balance_nanousd - :charge,
  allowance_held_tokens = allowance_held_tokens - :allowance, allowance_used_tokens = allowance_used_tokens + :used
WHERE tenant_id = :tenant
""")

ATTEMPT = {
    "request_id": "text",
    "ordinal": "bigint",
    "tenant_id": "bigint",
    "key_id": "bigint",
    "asked": "text",
    "provider": "text",
    "model": "text",
    "served": "text",
    "outcome": "text",
    "status": "bigint",
    "kept": "boolean",
    "estimated": "boolean",
    "disputed": "boolean",
    "input_tokens": "bigint",
    "cached_tokens": "bigint",
    "cache_write_tokens": "bigint",
    "output_tokens": "bigint",
    "reasoning_tokens": "bigint",
    "cost_nanousd": "bigint",
    "waste_nanousd": "bigint",
    "charge_nanousd": "bigint",
    "allowance_tokens": "bigint",
    "allowance_nanousd": "bigint",
    "first_token_ms": "bigint",
    "duration_ms": "bigint",
    "started_at": "bigint",
    "day": "bigint",
}
ATTEMPT_VALUES = tuple("charged_allowance_tokens" if column == "allowance_tokens" else column for column in ATTEMPT)
INTO_ATTEMPTS = f"INSERT INTO attempts ({', '.join(ATTEMPT)})"
_INSERT_ATTEMPT = f"{INTO_ATTEMPTS} VALUES ({', '.join(f':{value}' for value in ATTEMPT_VALUES)})"
_INSERT_CASTS = ", ".join(f":{value}::{kind}" for value, kind in zip(ATTEMPT_VALUES, ATTEMPT.values(), strict=True))
JOURNAL = Statement(_INSERT_ATTEMPT)

INTO_TRANSFERS = "INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)"
INTO_RECEIPTS = "INSERT INTO receipts (tenant_id, answered_at, charge_nanousd, allowance_tokens, receipt)"
REPLACE_RECEIPT = """
ON CONFLICT (tenant_id) DO UPDATE SET answered_at = excluded.answered_at, charge_nanousd = excluded.charge_nanousd,
  allowance_tokens = excluded.allowance_tokens, receipt = excluded.receipt
"""
CAPTURE = Statement(
    *RESOLVE.sqlite,
    *RELEASE.sqlite,
    f"{INTO_TRANSFERS} SELECT 'charge', :debit, :credit, :charge, :tenant, :ref, '', :now WHERE :charge > 0",
    _INSERT_ATTEMPT,
    f"{INTO_RECEIPTS} SELECT :asker, :answered_at, :charge, :charged_allowance, :receipt"
    f" WHERE :receipt IS NOT NULL {REPLACE_RECEIPT}",
    postgresql=f"""
WITH held AS ({RESOLVE.postgresql}),
released AS (UPDATE accounts SET held_nanousd = held_nanousd - :wallet, balance_nanousd = balance_nanousd - :charge,
    allowance_held_tokens = allowance_held_tokens - :allowance, allowance_used_tokens = allowance_used_tokens + :used
  FROM held WHERE tenant_id = :tenant),
posted AS ({INTO_TRANSFERS}
  SELECT 'charge', :debit, :credit, :charge::bigint, :tenant::bigint, :ref, '', :now::bigint
  FROM held WHERE :charge > 0),
journaled AS ({INTO_ATTEMPTS} SELECT {_INSERT_CASTS} FROM held),
kept AS ({INTO_RECEIPTS}
  SELECT :asker::bigint, :answered_at::bigint, :charge::bigint, :charged_allowance::bigint, :receipt::text
  FROM held WHERE :receipt::text IS NOT NULL {REPLACE_RECEIPT})
SELECT 1 FROM held
""",
)
