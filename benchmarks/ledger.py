"""The ledger's speed: hold + capture with journal, each durable, 64 in flight, through the real storage.

    python -m benchmarks.ledger [--database sqlite|postgresql] [--entries 10000 10000000] [--pairs 4000]

Beside it, turn by turn in the same run so that noise hits both: on SQLite the bare driver doing the same statements
with a commit of its own for each unit, on PostgreSQL pgbench doing the same work, statement by statement, prepared,
with as many in flight. Several sizes take turns too; the last line is the first one's speed over the last one's.
"""

import argparse
import asyncio
import gc
import itertools
import os
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from benchmarks import filling, postgres
from engine.attempt import ANSWERED, Attempt, DropLine, QuoteLine, Receipt
from engine.chat import Usage
from engine.holding import Bid, Ceiling
from engine.ids import time_ordered
from engine.money import Money
from engine.ports import Bill
from engine.tenancy import Flat
from storage import hot_sql, sqlite
from storage.connection import Statement
from storage.database import Database, open_database
from storage.leases import Lease
from storage.ledger import SqlLedger

IN_FLIGHT, ROUNDS, WARM = 64, 6, 300
RATES = {"free": Fraction(0)}


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Figures:
    """Seconds of the wall and of our CPU for so many pairs; latencies and lags in milliseconds."""

    pairs: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    units: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.pairs / self.wall


def bid_of(number: int) -> Bid:
    ceilings = (Ceiling(14 * 10**10, 28 * 10**10, 1024), Ceiling(10**11, 4 * 10**11, 1024))
    return Bid(
        f"req-{time_ordered(datetime.now(UTC))}", 1, number % filling.TENANTS + 1, Flat(5 * 10**12), 700, ceilings
    )


def bill_of(bid: Bid) -> Bill:
    now = datetime.now(UTC)
    usage = Usage(600, 200)
    attempt = Attempt(
        bid.request_id, 1, bid.tenant_id, None, "auto", "deepseek", "deepseek-v4-flash", ANSWERED, now, 1800, 300,
        usage, Money(140_000), kept=True, status=200,
    )  # fmt: skip
    quotes = (
        QuoteLine("deepseek", "deepseek-v4-flash", Money(140_000)),
        QuoteLine("gemini", "gemini-2.5-flash-lite", Money(160_000)),
    )
    drops = (DropLine("openrouter", "some/model", "no key"),)
    return Bill(
        attempt, 800, 140_000 * 10**9, Receipt(bid.request_id, "auto", now, quotes, drops, (attempt,), Money(3))
    )


async def ours(ledger: SqlLedger, numbers: Iterator[int], pairs: int, figures: Figures) -> None:
    """`pairs` of hold and capture, 64 at once."""
    bids = [bid_of(next(numbers)) for _ in range(pairs)]
    work = iter([(bid, bill_of(bid)) for bid in bids])

    async def worker() -> None:
        for bid, bill in work:
            began = time.perf_counter()
            async with ledger.hold(bid) as hold:
                held = time.perf_counter()
                await hold.capture(bill)
            ended = time.perf_counter()
            figures.latencies.append(1000 * (ended - began))
            figures.units += [1000 * (held - began), 1000 * (ended - held)]

    gc.freeze()  # as serving.settle does, so that what we prepared is in nobody's way
    beat = asyncio.create_task(_beat(figures.lags))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    figures.wall += time.perf_counter() - wall
    figures.cpu += time.process_time() - cpu
    figures.pairs += pairs
    beat.cancel()
    await asyncio.gather(beat, return_exceptions=True)


async def _beat(lags: list[float]) -> None:
    """How late a sleeper of 2 ms wakes."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.002)
        lags.append(1000 * (time.perf_counter() - began) - 2)


class BareSqlite:
    """sqlite3 and the same statements, each unit with a BEGIN and a COMMIT of its own."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite.connect(str(path), writer=True)

    def pairs(self, numbers: Iterator[int], pairs: int, figures: Figures) -> None:
        work = [_values(bid_of(next(numbers))) for _ in range(pairs)]
        wall = time.perf_counter()
        for hold, capture in work:
            self._unit(((hot_sql.LOOK, hold), (hot_sql.TAKE, hold)))
            self._unit(((hot_sql.HELD, hold), (hot_sql.CAPTURE, capture)))
        figures.wall += time.perf_counter() - wall
        figures.pairs += pairs

    def _unit(self, work: tuple[tuple[Statement, dict[str, object]], ...]) -> None:
        self._raw.execute("BEGIN IMMEDIATE")
        for statement, values in work:
            for part in statement.sqlite:
                self._raw.execute(part, values).fetchall()
        self._raw.execute("COMMIT")


def _values(bid: Bid) -> tuple[dict[str, object], dict[str, object]]:
    hold: dict[str, object] = {
        "request": bid.request_id, "epoch": 1, "tenant": bid.tenant_id, "key": None, "month": 202611,
        "wallet": 8_620_000, "allowance": 0, "tokens": 1724, "period": 1, "lease": "bare", "now": 1,
    }  # fmt: skip
    line: dict[str, object] = dict.fromkeys(re.findall(r":(\w+)", hot_sql.JOURNAL.sqlite[0]), 0)
    line |= {"asked": "auto", "provider": "deepseek", "model": "deepseek-v4-flash", "outcome": "answered", "served": ""}
    line |= {"request_id": bid.request_id, "tenant_id": bid.tenant_id, "kept": True, "key_id": None}
    more: dict[str, object] = {
        "state": "captured", "charge": 4_000_000, "charged_allowance": 0, "used": 0, "debit": f"tenant:{bid.tenant_id}",
        "credit": "house:charges", "ref": f"hold:{bid.hold_id}", "receipt": "x" * 300, "answered_at": 1,
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
        told = postgres.run(
            self._folder, "pgbench", "-h", self._folder, "-U", "postgres", "-n", "-M", "prepared", "-c", IN_FLIGHT,
            "-j", 2, "-t", each, "-D", "n=0", "-D", f"run={next(self._runs)}", "-f", self._script, self._database,
        )  # fmt: skip
        rate = float(re.findall(r"tps = ([\d.]+) \(without", told)[0])
        figures.wall += each * IN_FLIGHT / rate
        figures.pairs += each * IN_FLIGHT


@dataclass
class Size:
    """Books with so many entries, ours and the bare way to them, and what was measured."""

    title: str
    db: Database
    bare: Callable[[Iterator[int], int, Figures], None]
    mine: Figures = field(default_factory=Figures)
    other: Figures = field(default_factory=Figures)


async def compare(sizes: list[Size], pairs: int) -> None:
    """All of them turn by turn, so that noise hits every size alike."""
    numbers = itertools.count()
    ledgers = [SqlLedger(size.db, Lease(size.db, Now()), Now(), RATES) for size in sizes]
    for size, ledger in zip(sizes, ledgers, strict=True):
        await ours(ledger, numbers, WARM, Figures())
        await asyncio.to_thread(size.bare, numbers, WARM, Figures())
    for _ in range(ROUNDS):
        for size, ledger in zip(sizes, ledgers, strict=True):
            await ours(ledger, numbers, pairs // ROUNDS, size.mine)
            await asyncio.to_thread(size.bare, numbers, pairs // ROUNDS, size.other)


def show(size: Size, name: str) -> None:
    def tail(values: list[float]) -> float:
        return statistics.quantiles(values, n=100)[98]

    mine, other = size.mine, size.other
    print(size.title)
    print(f"  pairs/s {mine.rate:,.0f}; {name} {other.rate:,.0f}; ratio {mine.rate / other.rate:.2f}")
    print(f"  a unit's latency p50 {statistics.median(mine.units):.1f} ms, p99 {tail(mine.units):.1f} ms;"
          f" a pair's p50 {statistics.median(mine.latencies):.1f} ms, p99 {tail(mine.latencies):.1f} ms")  # fmt: skip
    print(f"  CPU per pair {1000 * mine.cpu / mine.pairs:.3f} ms; loop lag p99 {tail(mine.lags):.1f} ms", flush=True)


async def on_sqlite(folder: Path, entries: list[int], pairs: int) -> list[Size]:
    sizes = []
    async with AsyncExitStack() as stack:
        for number in entries:
            path = folder / f"{number}.db"
            filling.fill_sqlite(path, number)
            db = await stack.enter_async_context(open_database(f"sqlite:///{path}"))
            megabytes = path.stat().st_size / 1e6
            title = f"SQLite {sqlite3.sqlite_version}, {number:,} entries ({megabytes:,.0f} MB)"
            sizes.append(Size(title, db, BareSqlite(path).pairs))
        os.sync()  # what filling wrote is on its way to the disk no more
        await compare(sizes, pairs)
    return sizes


async def on_postgres(host: str, entries: list[int], pairs: int) -> list[Size]:
    sizes = []
    async with AsyncExitStack() as stack:
        for number in entries:
            name = f"bench_{number}"
            postgres.run(Path(host), "createdb", "-h", host, "-U", "postgres", name)
            url = f"postgresql://postgres@/{name}?host={host}"
            filling.fill_postgres(url, number)
            db = await stack.enter_async_context(open_database(url))
            sizes.append(Size(f"PostgreSQL, {number:,} entries", db, Pgbench(host, name).pairs))
        os.sync()
        await compare(sizes, pairs)
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--entries", type=int, nargs="+", default=[10_000])
    parser.add_argument("--pairs", type=int, default=6_000)
    parser.add_argument("--folder", type=Path, help="where the databases are made")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        if args.database != "postgresql":
            _told(asyncio.run(on_sqlite(Path(folder), args.entries, args.pairs)), "bare")
    if args.database != "sqlite":
        with postgres.server() as host:
            _told(asyncio.run(on_postgres(host, args.entries, args.pairs)), "pgbench")


def _told(sizes: list[Size], name: str) -> None:
    for size in sizes:
        show(size, name)
    if len(sizes) > 1:
        print(f"  first size's speed over the last's: {sizes[0].mine.rate / sizes[-1].mine.rate:.2f}")


if __name__ == "__main__":
    main()
