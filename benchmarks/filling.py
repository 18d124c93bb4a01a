"""A ledger with many consistent entries, made by SQL."""

import sqlite3
from pathlib import Path

import psycopg

from storage.migrations import upgrade

TENANTS = 200
WALLET = 10**15
DAY_MS, FIRST_MS = 86_400_000, 1_780_000_000_000

_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT {start} UNION ALL SELECT i + 1 FROM n WHERE i < {end})",
    "postgresql": "WITH n(i) AS (SELECT * FROM generate_series({start}::bigint, {end}::bigint))",
}
_TENANTS = """
INSERT INTO tenants (id, name, username, plan, language, banned, blocked, settings, created_at)
SELECT i, 'T' || i, '', 'free', '', false, false, '{{}}', 0 FROM n
"""
_ACCOUNTS = """
INSERT INTO accounts (tenant_id, balance_nanousd, held_nanousd, owed_nanousd, allowance_tokens, allowance_used_tokens,
  allowance_held_tokens, period_no, period_start_at, period_end_at)
SELECT i, {wallet} - 1000 * ({answers} / {tenants}), 0, 0, 0, 0, 0, 1, 0, {end_of_time} FROM n
"""
_GIFTS = """
INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)
SELECT 'credit', 'house:credits', 'tenant:' || i, {wallet}, i, 'gift:' || i, '', 0 FROM n
"""
_ID = "'req-' || substr('000000000000' || i, -12)"
_ID_POSTGRES = "'req-' || lpad(i::text, 12, '0')"
_HOLDS = """
INSERT INTO holds (request_id, epoch, tenant_id, key_month, state, wallet_nanousd, allowance_tokens, tokens,
  period_no, lease_id, created_at, resolved_at, charge_nanousd)
SELECT {id}, 1, i % {tenants} + 1, 202605, 'captured', 2000, 0, 100, 1, 'past', {first} + i, {first} + i, 1000 FROM n
"""
_CHARGES = """
INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)
SELECT 'charge', 'tenant:' || (i % {tenants} + 1), 'house:charges', 1000, i % {tenants} + 1,
  'hold:' || {id} || ':1', '', {first} + i FROM n
"""
_ATTEMPTS = """
INSERT INTO attempts (request_id, ordinal, tenant_id, asked, provider, model, served, outcome, status, kept, estimated,
  input_tokens, output_tokens, cost_nanousd, charge_nanousd, first_token_ms, duration_ms, started_at, day)
SELECT {id}, 1, i % {tenants} + 1, 'auto', 'deepseek', 'deepseek-v4-flash', '', 'answered', 200, true, false,
  600, 200, 700, 1000, 300, 1800, {first} + i, 20260501 + (i * 28 / {answers}) FROM n
"""
CHUNK = 250_000


def fill_sqlite(path: Path, entries: int) -> None:
    """Create a migrated file with about `entries` ledger entries, two for each answer."""
    upgrade(f"sqlite:///{path}")
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA synchronous = OFF")
    for sql in _statements("sqlite", _ID, entries):
        raw.execute(sql)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


def fill_postgres(url: str, entries: int) -> None:
    upgrade(url)
    with psycopg.connect(url, autocommit=True) as raw:
        for sql in _statements("postgresql", _ID_POSTGRES, entries):
            raw.execute(sql.encode())
        raw.execute("SELECT setval('tenants_id_seq', 1000)")
        raw.execute("VACUUM ANALYZE")
        raw.execute("CHECKPOINT")


def _statements(dialect: str, identity: str, entries: int) -> list[str]:
    answers = entries // 2 // TENANTS * TENANTS
    facts = {
        "tenants": TENANTS,
        "wallet": WALLET,
        "answers": answers,
        "id": identity,
        "first": FIRST_MS,
        "end_of_time": FIRST_MS + 10**6 * DAY_MS,
    }
    spans = [(_TENANTS, 1, TENANTS), (_ACCOUNTS, 1, TENANTS), (_GIFTS, 1, TENANTS)]
    for start in range(0, answers, CHUNK):
        end = min(start + CHUNK, answers) - 1
        spans += [(sql, start, end) for sql in (_HOLDS, _CHARGES, _ATTEMPTS)]
    numbers = _NUMBERS[dialect]
    return [_numbered(numbers.format(start=start, end=end), sql.format(**facts)) for sql, start, end in spans]


def _numbered(numbers: str, insert: str) -> str:
    """Return the statement. SQLite and PostgreSQL both accept WITH before INSERT."""
    return f"{numbers} {insert}"
