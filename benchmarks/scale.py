"""Benchmark of the scheduled jobs over many tenants: seconds of each run, and the memory that it adds.

`python -m benchmarks.scale --tenants 100000 --database sqlite|postgresql` fills a database of its own: ten attempts
per tenant over 30 days, one API key per ten tenants, one charge per tenant in this period, one scheduled prompt per
twenty. The first run of `quotas` stores a notice to everyone who crossed a limit, and `tenant_notices` passes them to a
notifier that only counts; later runs find nothing new.
"""

import argparse
import asyncio
import contextlib
import gc
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks import postgres
from locales.button import Button
from main.container import open_container
from main.front_ends import job_context
from main.settings import read
from scheduler.context import JobContext
from scheduler.jobs import anomalies, digest, every, invoices, prune, quotas, renew_plans, tenant_notices
from scheduler.ports import LoggingNotifier, Sent
from storage.alerts.admin_notices import Undelivered
from storage.migrations import upgrade
from storage.reports import rollups
from storage.reports.usage import UsageSpan

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY_MS = 86_400_000
NOW_MS = int(NOW.timestamp()) * 1000
ATTEMPTS, RUNS = 10, 5
_NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT {start} UNION ALL SELECT i + 1 FROM n WHERE i < {end}) ",
    "postgresql": "WITH n(i) AS (SELECT * FROM generate_series({start}::bigint, {end}::bigint)) ",
}
_TENANTS = f"""INSERT INTO tenants (id, telegram_user_id, name, username, plan, language, banned, blocked, settings,
  created_at) SELECT i, 5000000000 + i, 'T' || i, '', CASE WHEN i % 10 = 0 THEN 'starter' ELSE 'free' END, '', false,
  false, '{{}}', {NOW_MS - 40 * DAY_MS} FROM n"""
_ACCOUNTS = f"""INSERT INTO accounts (tenant_id, balance_nanousd, allowance_tokens, allowance_used_tokens, period_no,
  period_start_at, period_end_at) SELECT i, 2000000000 + i % 5 * 1000000000, 100000, i % 100 * 820, 1,
  {NOW_MS} - i % 28 * {DAY_MS}, {NOW_MS} + (30 - i % 28) * {DAY_MS} FROM n"""
_KEYS = """INSERT INTO api_keys (tenant_id, name, prefix, sha256, tokens_per_month, month, used_tokens, created_at)
  SELECT i, '', 'fk-' || i, 'sha-' || i, 1000000, 202611, i % 100 * 8000, 0 FROM n WHERE i % 10 = 0"""
_CHARGES = f"""INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)
  SELECT 'charge', 'tenant:' || i, 'house:charges', 1000, i, 'charge:' || i, '', {NOW_MS} FROM n"""
_ATTEMPTS = f"""INSERT INTO attempts (request_id, ordinal, tenant_id, asked, provider, model, served, outcome, status,
  kept, estimated, input_tokens, output_tokens, cost_nanousd, charge_nanousd, first_token_ms, duration_ms, started_at,
  day) SELECT 'r' || i, 0, i % %(tenants)d + 1, 'auto', 'p' || i % 4, 'm' || i % 8, '', 'answered', 200, true, false,
  600, 200, 700, 1000, 300, 1800, {NOW_MS} - i % 30 * {DAY_MS} - 3600000,
  CASE WHEN i % 30 < 20 THEN 20261120 - i % 30 ELSE 20261051 - i % 30 END FROM n"""
_SCHEDULES = f"""INSERT INTO scheduled_prompts (id, tenant_id, bot_id, chat_id, rule, prompt, state, paused_for,
  next_at, created_at) SELECT i, i, 1, 5000000000 + i, 'week:1,2,3,4,5,6,7@720', 'news?', 'active', '', {NOW_MS}, 0
  FROM n WHERE i % 20 = 0"""


@dataclass
class Counting(LoggingNotifier):
    """A notifier that counts the messages that it would send."""

    sent: int = 0
    admins: tuple[int, ...] = field(default=(1,))

    async def notify(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None:
        return await self.deliver(user_id, key, values, buttons)  # type: ignore[return-value]

    async def deliver(
        self,
        user_id: int,
        key: str,  # noqa: ARG002
        values: Mapping[str, object],  # noqa: ARG002
        buttons: Sequence[Button] = (),  # noqa: ARG002
        *,
        reply_to: int | None = None,  # noqa: ARG002
        chart: UsageSpan | None = None,  # noqa: ARG002
    ) -> Sent | Undelivered:
        self.sent += 1
        return user_id, self.sent


@dataclass
class ManualClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return time.monotonic()


class OneBot:
    """A replacement for the bot, because scheduled prompts run only beside a bot."""

    bot_id = 1


@contextlib.contextmanager
def filled(kind: str, tenants: int) -> Iterator[str]:
    """Yield the URL of a filled database."""
    with contextlib.ExitStack() as stack:
        if kind == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            url = f"sqlite:///{folder}/scale.db"
        else:
            host = stack.enter_context(postgres.server())
            with psycopg.connect(f"postgresql://postgres@/postgres?host={host}", autocommit=True) as raw:
                raw.execute("CREATE DATABASE scale")
            url = f"postgresql://postgres@/scale?host={host}"
        upgrade(url)
        _fill(kind, url, tenants)
        yield url


def _fill(kind: str, url: str, tenants: int) -> None:
    whole = _NUMBERS[kind].format(start=1, end=tenants)
    attempts = _NUMBERS[kind].format(start=1, end=tenants * ATTEMPTS)
    statements = [whole + sql for sql in (_TENANTS, _ACCOUNTS, _KEYS, _CHARGES, _SCHEDULES)]
    statements.append(attempts + _ATTEMPTS.replace("%(tenants)d", str(tenants)))
    if kind == "sqlite":
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as raw:
            raw.execute("PRAGMA synchronous = OFF")
            for sql in statements:
                raw.execute(sql)
            raw.execute("ANALYZE")
    else:
        with psycopg.connect(url, autocommit=True) as conn:
            for sql in statements:
                conn.execute(sql.encode())
            conn.execute("VACUUM ANALYZE")


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def measured(name: str, run: Callable[[], Awaitable[None]], runs: int) -> None:
    """Print the first run and the median of the later ones, with the memory that they added."""
    gc.collect()
    before, took = resident_mb(), []
    for _ in range(runs):
        began = time.perf_counter()
        await run()
        took.append(time.perf_counter() - began)
    later = f"{statistics.median(took[1:]):8.3f} s" if runs > 1 else " " * 10
    print(f"{name:14} first {took[0]:8.3f} s, then {later}, memory {resident_mb() - before:+6.1f} MB", flush=True)


async def _roll_up(context: JobContext) -> None:
    """Roll up the whole journal in large units; the job's own units have a few hundred attempts."""
    end = await context.db.write(rollups.last_committed)
    while await context.db.write(lambda conn: rollups.roll_up_chunk(conn, end, most=20_000)) is not None:
        pass


async def jobs(context: JobContext, clock: ManualClock, notifier: Counting, *, with_invoices: bool) -> None:
    await measured("rollups", lambda: _roll_up(context), 1)
    await measured("quotas", lambda: quotas.run(context), RUNS)
    await measured("tenant_notices", lambda: tenant_notices.run(context), 2)
    print(f"{'':14} {notifier.sent:,} notices")

    async def next_digest() -> None:
        clock.at -= timedelta(days=1)  # because each day is reported once
        await digest.run(context)

    await measured("digest", next_digest, RUNS)
    clock.at = NOW
    await measured("anomalies", lambda: anomalies.run(context), RUNS)
    await measured("every", lambda: every.run(context), 2)
    await measured("prune", lambda: prune.run(context), 2)
    if with_invoices:
        await measured("invoices", lambda: invoices.run(context), 1)
    clock.at = NOW + timedelta(days=5)
    await measured("renew_plans", lambda: renew_plans.run(context), 2)


async def main(kind: str, tenants: int, *, with_invoices: bool) -> None:
    with filled(kind, tenants) as url, tempfile.TemporaryDirectory() as folder:
        settings = read({"DATABASE_URL": url, "DEEPSEEK_API_KEY": "k"}, Path(folder) / "no.env")
        async with open_container(settings) as container:
            clock, notifier = ManualClock(), Counting()
            context = replace(job_context(container), clock=clock, notifier=notifier, stars=OneBot())  # type: ignore[arg-type]
            print(f"{kind}, {tenants:,} tenants, {tenants * ATTEMPTS:,} attempts, {resident_mb():.0f} MB at the start")
            await jobs(context, clock, notifier, with_invoices=with_invoices)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=100_000)
    parser.add_argument("--database", choices=tuple(_NUMBERS), default="sqlite")
    parser.add_argument("--invoices", action="store_true", help="also issue all invoices, each a commit")
    given = parser.parse_args()
    asyncio.run(main(given.database, given.tenants, with_invoices=given.invoices))
