"""Benchmark of the ledger: hold + capture with journal, each durable, 64 in parallel, through the real storage.

    python -m benchmarks.ledger [--database sqlite|postgresql] [--entries 10000 10000000] [--pairs 4000]

It alternates with a comparison in the same run: on SQLite, the bare driver runs the same statements with a commit for
each unit; on PostgreSQL, pgbench does the same work, statement by statement, prepared, with equal parallelism. Several
sizes alternate too; the last line is the first size's speed divided by the last one's.
"""

import argparse
import asyncio
import gc
import itertools
import os
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
from benchmarks.bare import IN_FLIGHT, BareSqlite, Figures, Pgbench, hold_request_of
from engine.attempt_record import ANSWERED, AttemptRecord, DropLine, QuoteLine, Receipt
from engine.chat import Usage
from engine.holds import HoldRequest
from engine.money import Money
from engine.ports import Bill
from storage.database.database import Database, open_database
from storage.database.leases import Lease
from storage.ledger.ledger import SqlLedger

ROUNDS, WARM = 6, 300
RATES = {"free": Fraction(0)}


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def bill_of(hold_request: HoldRequest) -> Bill:
    now = datetime.now(UTC)
    usage = Usage(600, 200)
    attempt = AttemptRecord(
        request_id=hold_request.request_id,
        ordinal=1,
        tenant_id=hold_request.tenant_id,
        key_id=None,
        asked="auto",
        provider="deepseek",
        model="deepseek-v4-flash",
        outcome=ANSWERED,
        started_at=now,
        duration_ms=1800,
        first_token_ms=300,
        usage=usage,
        cost=Money(140_000),
        kept=True,
        status=200,
    )
    quotes = (
        QuoteLine("deepseek", "deepseek-v4-flash", Money(140_000)),
        QuoteLine("gemini", "gemini-2.5-flash-lite", Money(160_000)),
    )
    drops = (DropLine("openrouter", "some/model", "no key"),)
    return Bill(
        attempt,
        800,
        140_000 * 10**9,
        Receipt(hold_request.request_id, "auto", now, quotes, drops, (attempt,), Money(3)),
    )


async def run_pairs(ledger: SqlLedger, numbers: Iterator[int], pairs: int, figures: Figures) -> None:
    """Run `pairs` of hold and capture, 64 in parallel."""
    hold_requests = [hold_request_of(next(numbers)) for _ in range(pairs)]
    work = iter([(hold_request, bill_of(hold_request)) for hold_request in hold_requests])

    async def worker() -> None:
        for hold_request, bill in work:
            began = time.perf_counter()
            async with ledger.hold(hold_request) as hold:
                held = time.perf_counter()
                await hold.capture(bill)
            ended = time.perf_counter()
            figures.latencies.append(1000 * (ended - began))
            figures.units += [1000 * (held - began), 1000 * (ended - held)]

    gc.freeze()  # as the server does after its start
    beat = asyncio.create_task(_beat(figures.lags))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    figures.wall += time.perf_counter() - wall
    figures.cpu += time.process_time() - cpu
    figures.pairs += pairs
    beat.cancel()
    await asyncio.gather(beat, return_exceptions=True)


async def _beat(lags: list[float]) -> None:
    """Record the delay of a sleep of 2 ms."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.002)
        lags.append(1000 * (time.perf_counter() - began) - 2)


@dataclass
class Size:
    """A database with this many entries, our ledger and the bare driver over it, and their measurements."""

    title: str
    db: Database
    bare: Callable[[Iterator[int], int, Figures], None]
    ours: Figures = field(default_factory=Figures)
    other: Figures = field(default_factory=Figures)


async def compare(sizes: list[Size], pairs: int) -> None:
    """Measure all sizes alternately, so that noise affects all of them."""
    numbers = itertools.count()
    ledgers = [SqlLedger(size.db, Lease(size.db, Now()), Now(), RATES) for size in sizes]
    for size, ledger in zip(sizes, ledgers, strict=True):
        await run_pairs(ledger, numbers, WARM, Figures())
        await asyncio.to_thread(size.bare, numbers, WARM, Figures())
    for _ in range(ROUNDS):
        for size, ledger in zip(sizes, ledgers, strict=True):
            await run_pairs(ledger, numbers, pairs // ROUNDS, size.ours)
            await asyncio.to_thread(size.bare, numbers, pairs // ROUNDS, size.other)


def show(size: Size, name: str) -> None:
    def tail(values: list[float]) -> float:
        return statistics.quantiles(values, n=100)[98]

    ours, other = size.ours, size.other
    print(size.title)
    print(f"  pairs/s {ours.rate:,.0f}; {name} {other.rate:,.0f}; ratio {ours.rate / other.rate:.2f}")
    print(
        f"  a unit's latency p50 {statistics.median(ours.units):.1f} ms, p99 {tail(ours.units):.1f} ms;"
        f" a pair's p50 {statistics.median(ours.latencies):.1f} ms, p99 {tail(ours.latencies):.1f} ms"
    )
    print(f"  CPU per pair {1000 * ours.cpu / ours.pairs:.3f} ms; loop lag p99 {tail(ours.lags):.1f} ms", flush=True)


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
        os.sync()  # so that the disk is not still writing the filling
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
            _print_results(asyncio.run(on_sqlite(Path(folder), args.entries, args.pairs)), "bare")
    if args.database != "sqlite":
        with postgres.server() as host:
            _print_results(asyncio.run(on_postgres(host, args.entries, args.pairs)), "pgbench")


def _print_results(sizes: list[Size], name: str) -> None:
    for size in sizes:
        show(size, name)
    if len(sizes) > 1:
        print(f"  first size's speed over the last's: {sizes[0].ours.rate / sizes[-1].ours.rate:.2f}")


if __name__ == "__main__":
    main()
