"""A hold and a capture with the bare database driver, one commit each, and the same work for pgbench."""

import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import filling, postgres
from engine.holds import Ceiling, HoldRequest
from engine.tenancy import Flat
from storage.database import sqlite_setup
from storage.database.statements import Statement
from storage.ledger import holds_sql
from web.auth import new_request_id

IN_FLIGHT = 64


@dataclass
class Figures:
    """Wall and CPU seconds of `pairs` holds with captures; latencies and lags in milliseconds."""

    pairs: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    units: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.pairs / self.wall


def hold_request_of(number: int) -> HoldRequest:
    ceilings = (Ceiling(14 * 10**10, 28 * 10**10, 1024), Ceiling(10**11, 4 * 10**11, 1024))
    return HoldRequest(
        new_request_id(datetime.now(UTC)), 1, number % filling.TENANTS + 1, Flat(5 * 10**12), 700, ceilings
    )


class BareSqlite:
    """The same statements with sqlite3, each unit with its own BEGIN and COMMIT."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite_setup.connect(str(path), writer=True)

    def pairs(self, numbers: Iterator[int], pairs: int, figures: Figures) -> None:
        work = [_values(hold_request_of(next(numbers))) for _ in range(pairs)]
        wall = time.perf_counter()
        for hold, capture in work:
            self._unit(((holds_sql.FUNDS, hold), (holds_sql.TAKE, hold)))
            self._unit(((holds_sql.HELD, hold), (holds_sql.CAPTURE, capture)))
        figures.wall += time.perf_counter() - wall
        figures.pairs += pairs

    def _unit(self, work: tuple[tuple[Statement, dict[str, object]], ...]) -> None:
        self._raw.execute("BEGIN IMMEDIATE")
        for statement, values in work:
            for part in statement.sqlite:
                self._raw.execute(part, values).fetchall()
        self._raw.execute("COMMIT")


def _values(hold_request: HoldRequest) -> tuple[dict[str, object], dict[str, object]]:
    hold: dict[str, object] = {
        "request": hold_request.request_id, "epoch": 1, "tenant": hold_request.tenant_id, "key": None, "month": 202611,
        "asker": hold_request.tenant_id, "wallet": 8_620_000, "allowance": 0, "tokens": 1724, "period": 1,
        "lease": "bare", "now": 1,
    }  # fmt: skip
    line: dict[str, object] = dict.fromkeys(re.findall(r":(\w+)", holds_sql.JOURNAL.sqlite[0]), 0)
    line |= {"asked": "auto", "provider": "deepseek", "model": "deepseek-v4-flash", "outcome": "answered", "served": ""}
    line |= {"request_id": hold_request.request_id, "tenant_id": hold_request.tenant_id, "kept": True, "key_id": None}
    more: dict[str, object] = {
        "state": "captured", "charge": 4_000_000, "charged_allowance": 0, "used": 0,
        "debit": f"tenant:{hold_request.tenant_id}", "credit": "house:charges",
        "ref": f"hold:{hold_request.hold_id}", "receipt": "x" * 300, "answered_at": 1,
    }  # fmt: skip
    return hold, hold | line | more


PGBENCH = """
\\set n :n + 1
\\set tenant random(1, 200)
BEGIN;
SELECT balance_nanousd - held_nanousd, period_no FROM accounts WHERE tenant_id = :tenant FOR UPDATE;
UPDATE accounts SET held_nanousd = held_nanousd + 8620000 WHERE tenant_id = :tenant
  AND balance_nanousd - held_nanousd >= 8620000
  AND NOT EXISTS (SELECT 1 FROM holds WHERE request_id = :run::text || '-' || :client_id::text || '-' || :n::text);
INSERT INTO holds (request_id, epoch, tenant_id, key_month, state, wallet_nanousd, allowance_tokens, tokens, period_no,
  lease_id, created_at)
  VALUES (:run::text || '-' || :client_id::text || '-' || :n::text, 1, :tenant, 202611, 'open', 8620000, 0, 1724, 1,
  'bare', 1);
COMMIT;
BEGIN;
SELECT h.wallet_nanousd, a.period_no, t.plan FROM holds h JOIN accounts a ON a.tenant_id = h.tenant_id
  JOIN tenants t ON t.id = h.tenant_id WHERE h.request_id = :run::text || '-' || :client_id::text || '-' || :n::text
  AND h.state = 'open' FOR UPDATE OF a;
UPDATE holds SET state = 'captured', resolved_at = 1, charge_nanousd = 4000000
  WHERE request_id = :run::text || '-' || :client_id::text || '-' || :n::text AND state = 'open';
UPDATE accounts SET held_nanousd = held_nanousd - 8620000, balance_nanousd = balance_nanousd - 4000000
  WHERE tenant_id = :tenant;
INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)
  VALUES ('charge', 'tenant:' || :tenant::text, 'house-charges', 4000000, :tenant,
  'hold:' || :run::text || '-' || :client_id::text || '-' || :n::text || '-1', '', 1);
INSERT INTO attempts (request_id, ordinal, tenant_id, asked, provider, model, served, outcome, status, kept, estimated,
  input_tokens, output_tokens, cost_nanousd, charge_nanousd, first_token_ms, duration_ms, started_at, day)
  VALUES (:run::text || '-' || :client_id::text || '-' || :n::text, 1, :tenant, 'auto', 'deepseek',
  'deepseek-v4-flash', '', 'answered', 200, true, false, 600, 200, 140000, 4000000, 300, 1800, 1, 20261125);
INSERT INTO receipts (tenant_id, answered_at, charge_nanousd, allowance_tokens, receipt)
  VALUES (:tenant, 1, 4000000, 0, repeat('x', 300)) ON CONFLICT (tenant_id) DO UPDATE SET receipt = excluded.receipt,
  answered_at = excluded.answered_at, charge_nanousd = excluded.charge_nanousd;
COMMIT;
"""


class Pgbench:
    def __init__(self, folder: str, database: str) -> None:
        self._folder, self._database = Path(folder), database
        self._script = self._folder / "pairs.sql"
        self._script.write_text(PGBENCH)
        self._runs = itertools.count(int(time.time()))

    def pairs(self, _numbers: Iterator[int], pairs: int, figures: Figures) -> None:
        each = max(1, pairs // IN_FLIGHT)
        printed = postgres.run(
            self._folder, "pgbench", "-h", self._folder, "-U", "postgres", "-n", "-M", "prepared", "-c", IN_FLIGHT,
            "-j", 2, "-t", each, "-D", "n=0", "-D", f"run={next(self._runs)}", "-f", self._script, self._database,
        )  # fmt: skip
        rate = float(re.findall(r"tps = ([\d.]+) \(without", printed)[0])
        figures.wall += each * IN_FLIGHT / rate
        figures.pairs += each * IN_FLIGHT
