"""The parts that all front ends share, built once from the settings."""

import asyncio
import logging
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from engine.catalog.free_tiers import FreeTiers, day_begin
from engine.gateway.gateway import Gateway
from engine.gateway.hedging import Hedging
from engine.gateway.question import Market
from engine.gateway.transcription import Transcriber
from engine.json_limits import limit_digits
from engine.money import Money, exact
from engine.ports import AttemptObserver, Provider
from engine.providers.registry import build
from engine.providers.spec import Spec
from engine.routing.health import Health, HealthPolicy
from engine.tenancy import Plan
from main.clock import SystemClock
from main.engine_parts.catalog import all_specs, build_catalog, build_plans, check_offers
from main.engine_parts.own_servers import listed_models
from main.engine_parts.transcriber import build_transcriber
from main.observability.tracing import Tracing, open_tracing
from main.settings import Settings
from storage.database.database import Database, migrations_pending, open_database
from storage.database.leases import Lease
from storage.ledger.journal import SqlJournal, allowance_rates
from storage.ledger.ledger import SqlLedger
from storage.ledger.request_windows import SqlRequestWindows
from storage.operations import learned_sizes
from storage.operations import provider_state as provider_units
from storage.reports import journal
from storage.reports.caps import SpendingCaps
from storage.reports.losses import SqlLosses
from web.attempt_metrics import AttemptMetrics

log = logging.getLogger("farthing")


@dataclass(frozen=True, slots=True)
class Container:
    """The database, the engine and their settings, used by bot, web and scheduler."""

    settings: Settings
    db: Database
    lease: Lease
    clock: SystemClock
    plans: Mapping[str, Plan]
    market: Market
    gateway: Gateway
    caps: SpendingCaps
    transcriber: Transcriber | None = None
    attempts: AttemptMetrics = field(default_factory=AttemptMetrics)
    tracing: Tracing | None = None


@asynccontextmanager
async def open_container(settings: Settings, *, migrate_apart: bool = False) -> AsyncIterator[Container]:
    """Connect, migrate (SQLite only) and build; close everything at the end of the context.

    `migrate_apart`: migrate in a process of its own, because this one would keep 30 MB of libraries.
    """
    limit_digits()
    async with AsyncExitStack() as stack:
        await ensure_schema(settings, apart=migrate_apart)
        db = await stack.enter_async_context(open_database(settings.env.database_url))
        clock = SystemClock()
        lease = await stack.enter_async_context(Lease(db, clock))
        plans = build_plans(settings)
        attempts, tracing = AttemptMetrics(), open_tracing(settings)
        if tracing is not None:
            stack.push_async_callback(tracing.aclose)
        observers: tuple[AttemptObserver, ...] = (attempts,) if tracing is None else (attempts, tracing)
        market = replace(await build_market(settings, db, clock), observers=observers)
        for provider in market.providers.values():
            stack.push_async_callback(provider.aclose)
        await stack.enter_async_context(listed_models(market.catalog.book, market.providers))
        stack.push_async_callback(db.write, partial(learned_sizes.save, sizes=market.catalog.sizes))
        stack.push_async_callback(market.background_reads.aclose)
        ledger = SqlLedger(db, lease, clock, allowance_rates(plans))
        caps = _caps(settings, db, clock)
        gateway = Gateway(
            market,
            ledger,
            admission_checks=(caps,) if caps.is_set else (),
            losses=SqlLosses(db, clock),
            request_windows=SqlRequestWindows(db) if db.dialect == "postgresql" else None,
        )
        transcriber = build_transcriber(settings, market, ledger, all_specs(settings))
        if settings.config.free:
            log.info("free tiers are used first; their providers may train on prompts, and /privacy says so")
        yield Container(settings, db, lease, clock, plans, market, gateway, caps, transcriber, attempts, tracing)


async def ensure_schema(settings: Settings, *, apart: bool = False) -> None:
    """Migrate SQLite. Raises OSError if PostgreSQL needs `migrate`, or the database can't be opened.

    PostgreSQL is migrated only by the command, because other replicas may be running.
    """
    from storage.migrations import upgrade  # noqa: PLC0415 - only if a migration is due

    url = settings.env.database_url
    try:
        async with open_database(url) as db:
            pending = await db.read(migrations_pending)
    except sqlite3.DatabaseError as error:
        advice = "if it is damaged, `python -m main restore FILE` puts a backup in its place"
        raise OSError(f"{url} can't be opened: {error}; {advice}") from error
    if pending and not url.startswith("sqlite:"):
        raise OSError("the database is not up to date: run `python -m main migrate` first")
    if pending and apart:
        await _upgrade_apart(url)
    elif pending:
        await asyncio.to_thread(upgrade, url)


async def _upgrade_apart(url: str) -> None:
    """Run the `migrate` command. Raises OSError if it fails; it has written the reason to stderr."""
    variables = {**os.environ, "DATABASE_URL": url}
    command = (sys.executable, "-m", "main", "migrate")
    child = await asyncio.create_subprocess_exec(*command, env=variables, stdout=asyncio.subprocess.DEVNULL)
    if await child.wait():
        raise OSError("the database could not be migrated")


async def build_market(settings: Settings, db: Database, clock: SystemClock) -> Market:
    """Build providers, health and catalog; load drained providers, learned sizes and used free tiers from `db`."""
    known = all_specs(settings)
    check_offers(settings, known)
    providers = {name: _provider(settings, name, spec) for name, spec in known.items()}
    policy = HealthPolicy(**settings.config.health.model_dump())
    health = Health(policy, clock, {name: provider.keys for name, provider in providers.items()})
    for name in await db.read(provider_units.drained):
        if name in providers:
            health.drain(name)
    catalog = build_catalog(settings, providers, known)
    await _count_free_tiers(catalog.free, db, clock)
    health.preferred_keys = lambda offer: catalog.free.open_keys(offer, clock.now())
    catalog.free.is_usable = health.is_usable
    await db.read(partial(learned_sizes.load, sizes=catalog.sizes))
    return Market(
        catalog,
        health,
        providers,
        SqlJournal(db),
        clock,
        policy,
        hedging=Hedging() if settings.config.routing.hedge else None,
        delay_usd_per_second=exact(settings.config.routing.delay_usd_per_second),
    )


def _provider(settings: Settings, name: str, spec: Spec) -> Provider:
    given = settings.provider(name)
    keys = tuple(key.get_secret_value() for key in given.keys)
    return build(spec, keys=keys, base_url=given.base_url, proxy=given.proxy)


async def _count_free_tiers(free: FreeTiers, db: Database, clock: SystemClock) -> None:
    """Count the requests that earlier processes sent today to free tiers."""
    now = clock.now()
    for offer in free.allowed:
        used = partial(journal.attempts_since, provider=offer.provider, model=offer.model)
        free.begin(offer, now, await db.read(partial(used, since=day_begin(offer, now))))


def _caps(settings: Settings, db: Database, clock: SystemClock) -> SpendingCaps:
    section = settings.config.house
    per_day = None if section.usd_per_day is None else Money.usd(section.usd_per_day)
    per_month = None if section.usd_per_month is None else Money.usd(section.usd_per_month)
    return SpendingCaps(db, clock, per_day, per_month)
