"""Benchmark of /usage and /admin/usage over a large journal, with and without roll-ups.

`python -m benchmarks.usage --rows 10000000` writes a database of its own: evenly spread tenants and days, ten offers,
one attempt in twenty not kept.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from storage.database.connection import Connection, day_of
from storage.database.database import Database, open_database
from storage.migrations import upgrade
from storage.reports import rollups, usage

TODAY = datetime(2026, 11, 24, tzinfo=UTC).date()
DAYS, OFFERS, BATCH, TAIL = 90, 10, 100_000, 5_000


def fill(conn: Connection, first: int, count: int, tenants: int) -> None:
    raw = conn.raw  # type: ignore[attr-defined]
    days = [day_of(TODAY - timedelta(days=n)) for n in range(DAYS)]
    raw.executemany(
        "INSERT INTO attempts (request_id, ordinal, tenant_id, asked, provider, model, served, outcome, kept,"
        " estimated, input_tokens, output_tokens, cost_nanousd, charge_nanousd, allowance_tokens, first_token_ms,"
        " duration_ms, started_at, day)"
        " VALUES (?, 0, ?, 'auto', ?, ?, '', ?, ?, 0, 200, 150, 90000, 1750000, 0, 300, 900, 0, ?)",
        [
            (f"r{n}", n % tenants + 1, f"p{n % OFFERS % 4}", f"model-{n % OFFERS}", *_end(n), days[n * 7 % DAYS])
            for n in range(first, first + count)
        ],
    )


def _end(number: int) -> tuple[str, bool]:
    return ("overloaded", False) if number % 20 == 0 else ("answered", True)


async def timed(db: Database, query: Callable[[Connection], Any], times: int = 15) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await db.read(query)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


async def prepare(db: Database, rows: int, tenants: int) -> None:
    """Fill the journal before its indexes exist, because with them it would take hours."""
    indexes = await db.write(_drop_indexes)
    for first in range(0, rows, BATCH):
        await db.write(partial(fill, first=first, count=min(BATCH, rows - first), tenants=tenants))
    for sql in indexes:
        await db.write(partial(_run, sql=sql))


def _run(conn: Connection, sql: str) -> None:
    conn.run(sql)


def _drop_indexes(conn: Connection) -> list[str]:
    found = conn.rows("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'attempts' AND type = 'index' AND sql > ''")
    for each in found:
        conn.run(f"DROP INDEX {each['name']}")
    return [each["sql"] for each in found]


async def roll_up(db: Database) -> list[float]:
    """Roll up all rows, the last 100,000 in units as small as the job's. Return the seconds of each small unit."""
    end = await db.write(rollups.last_committed)
    while await db.write(lambda conn: rollups.roll_up_chunk(conn, end - 100_000, most=20_000)) is not None:
        pass
    units: list[float] = []
    while True:
        start = time.perf_counter()
        if await db.write(lambda conn: rollups.roll_up_chunk(conn, end)) is None:
            return units
        units.append(time.perf_counter() - start)


async def main(rows: int, tenants: int, folder: str) -> None:
    url = f"sqlite:///{folder}/usage.db"
    upgrade(url)
    async with open_database(url) as db:
        await prepare(db, rows, tenants)
        print(f"{rows:,} rows, {tenants:,} tenants, {DAYS} days, {OFFERS} offers")
        units = await roll_up(db)
        print(f"units of {rollups.CHUNK} attempts, durable: median {statistics.median(units) * 1000:.1f} ms")
        await db.write(lambda conn: fill(conn, rows, TAIL, tenants))
        month = TODAY - timedelta(days=29)
        own = await timed(db, lambda conn: usage.rows(conn, month, TODAY, 7))
        admin = await timed(db, lambda conn: usage.rows(conn, month, TODAY))
        spend = await timed(db, lambda conn: usage.provider_spend(conn, TODAY, TODAY))
        print(
            f"with {TAIL:,} attempts not rolled up yet, 30 days: /usage {own:.1f} ms, /admin/usage {admin:.1f} ms,"
            f" spending today {spend:.1f} ms"
        )
        await db.write(rollups.clear)
        scan = await timed(db, lambda conn: usage.rows(conn, month, TODAY), times=1)
        print(f"without roll-ups, /admin/usage: {scan:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=1_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(given.rows, given.tenants, str(Path(place))))
