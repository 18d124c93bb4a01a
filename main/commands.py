"""What the command line prints: the audit, backups, roll-ups, and today's quotes. Each returns the exit code."""

import sys
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from engine.catalog.catalog import Offer
from engine.chat import ChatRequest, Role, says
from engine.errors import EngineError
from engine.gateway.market import Market
from engine.money import exact
from engine.routing.plan import Route, Standing, plan
from main.container import SystemClock, build_market, migrate_own
from main.settings import Settings
from storage.database import sqlite
from storage.database.connection import Connection
from storage.database.database import Database, migrations_pending, open_database
from storage.operations.audit import AuditReport, audit
from storage.operations.backup import BackupFailed, backup, restore, sqlite_path
from storage.reports import rollups

T = TypeVar("T")
_STALE = "The database is not up to date: run `python -m main migrate`."


async def audited(settings: Settings, *, full: bool = False) -> int:
    """0 clean, 1 with the rows that break a rule, 2 when the books could not be read.

    It rolls forward from the last audited point; `full` looks at everything.
    """
    try:
        report = await _looked(settings.env.database_url, partial(_report, full=full))
    except Exception as error:  # noqa: BLE001 - whatever the driver says, the books were not checked
        print(f"The books could not be checked: {error}", file=sys.stderr)
        return 2
    if report is None:
        print(_STALE, file=sys.stderr)
        return 2
    for problem in report.problems:
        print(f"{problem.check}: {problem.rule}, but: {problem.row}")
    checked = ", ".join(f"{name} {number}" for name, number in report.checked.items())
    print(f"{'clean' if report.ok else f'{len(report.problems)} problems'}; rows checked: {checked}")
    return 0 if report.ok else 1


async def _looked(url: str, query: Callable[[Connection], T]) -> T:
    """A file is only looked at: none is made, none is turned to write-ahead logging."""
    if url.startswith("sqlite:"):
        found: T = sqlite.look(str(sqlite_path(url)), query)
        return found
    async with open_database(url) as db:
        return await db.read(query)


def _report(conn: Connection, *, full: bool) -> AuditReport | None:
    """None where the tables are not this release's."""
    return None if migrations_pending(conn) else audit(conn, full=full)


def backed_up(settings: Settings, folder: str) -> int:
    """0 with the new file's name, 1 with the sentence that says why not."""
    config = settings.config.backup
    now = SystemClock().now()
    try:
        made = backup(sqlite_path(settings.env.database_url), Path(folder or config.folder or "."), now, config.keep)
    except BackupFailed as error:
        print(f"No backup was made: {error}", file=sys.stderr)
        return 1
    print(f"Backed up to {made}. It holds conversations and keys' hashes: keep it as safe as the database.")
    return 0


def restored(settings: Settings, saved: str) -> int:
    """0 when the file is the database now, 1 with the sentence that says why not."""
    try:
        database = sqlite_path(settings.env.database_url)
        aside = restore(Path(saved), database, SystemClock().now())
    except BackupFailed as error:
        print(f"Nothing was restored: {error}", file=sys.stderr)
        return 1
    print(f"{database} is {saved} now." + (f" What was there before is {aside}." if aside else ""))
    return 0


async def rolled_up(settings: Settings, *, rebuild: bool) -> int:
    """0 when the roll-ups cover the whole journal."""
    async with open_database(settings.env.database_url) as db:
        if not await _is_current(db):
            return 2
        done = await (rollups.rebuild(db) if rebuild else rollups.catch_up(db))
    print(f"{done} attempts were rolled up.")
    return 0


async def quoted(settings: Settings, prompt: str, model_name: str) -> int:
    """Offer, price now, expected cost, health, limit, chosen: cheapest first.

    Health and limits are those of the Farthing that runs here, where one answers; else nothing is known of them.
    """
    try:
        await migrate_own(settings)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    async with open_database(settings.env.database_url) as db:
        market = await build_market(settings, db, SystemClock())
    try:
        return await _quoted(settings, market, ChatRequest("quote", model_name, (says(Role.USER, prompt),)))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        for provider in market.providers.values():
            await provider.aclose()


async def _quoted(settings: Settings, market: Market, request: ChatRequest) -> int:
    model = market.catalog.model(request.model)
    states = await _running(settings)
    quotes, drops = market.catalog.quote(request, model, market.clock.now())
    delay = exact(settings.config.routing.delay_usd_per_second)
    route = plan(quotes, drops, lambda offer: _standing(market, states, offer), delay)
    _print_route(route, market, states)
    return 0 if route.quotes else 1


async def _is_current(db: Database) -> bool:
    """False, with a sentence, where the database waits for a migration."""
    if await db.read(migrations_pending):
        print(_STALE, file=sys.stderr)
        return False
    return True


async def _running(settings: Settings) -> dict[str, dict[str, Any]]:
    """What the running Farthing says of each provider; empty where none answers."""
    if not settings.admin_key:
        return {}
    url = f"http://{settings.env.host}:{settings.env.port}/providers"
    headers = {"authorization": f"Bearer {settings.admin_key}"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
            rows = (await http.get(url, headers=headers)).raise_for_status().json()["data"]
    except (httpx.HTTPError, ValueError, KeyError):
        return {}
    return {row["name"]: row for row in rows}


def _standing(market: Market, states: dict[str, dict[str, Any]], offer: Offer) -> Standing:
    row = states.get(offer.provider)
    if row is None:
        return market.health.standing(offer)
    is_out = row["state"] in {"open", "resting", "drained"}
    return Standing(row["reason"] or row["state"] if is_out else "", row["chance_of_failure"], 1.0)


def _print_route(route: Route, market: Market, states: dict[str, dict[str, Any]]) -> None:
    print(f"{'offer':40} {'in $/1M':>9} {'out $/1M':>9} {'expected $':>13}  {'health':10} {'limit':22}")
    for number, quote in enumerate(route.quotes):
        rates = quote.price.rates(0)
        note = "chosen" if number == 0 else "last resort" if quote.last_resort else ""
        health, limit = _seen(market, states, quote.offer)
        print(
            f"{quote.offer.name:40} {_mtok(rates.input):>9} {_mtok(rates.output):>9} {quote.expected!s:>13}"
            f"  {health:10} {limit:22} {note}"
        )
    for drop in route.drops:
        print(f"{drop.offer.name:40} {'-':>9} {'-':>9} {'-':>13}  {drop.reason}")


def _seen(market: Market, states: dict[str, dict[str, Any]], offer: Offer) -> tuple[str, str]:
    """Health and limit, as the running Farthing has them; what is left of a free tier as the journal has it."""
    row = states.get(offer.provider, {})
    left = market.catalog.free.left(offer, market.clock.now())
    limits = [f"{row['requests_per_minute']}/min learned"] if row.get("requests_per_minute") else []
    limits += [f"free: {left.today} left today"] if left is not None else []
    return str(row.get("state", "-")).replace("_", "-"), ", ".join(limits) or "-"


def _mtok(atto: int) -> str:
    return f"{Decimal(atto) / 10**12:.4f}"
