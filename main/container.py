"""The house, put together: settings in, running parts out. Knows everyone; main alone knows it."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from engine.catalog.catalog import Catalog, Model, Offer
from engine.catalog.defaults import AUTO, SMART, default_offers
from engine.catalog.free_tiers import FreeTierLimits, FreeTiers, day_begin
from engine.catalog.prices import PriceBook, flat_price
from engine.gateway.gateway import Gateway
from engine.gateway.hedging import Hedging
from engine.gateway.market import Market
from engine.gateway.transcription import Transcriber
from engine.money import Money, atto_per_token, exact
from engine.ports import Provider
from engine.providers.registry import build, specs
from engine.providers.spec import Spec
from engine.routing.health import Health, HealthPolicy
from engine.tenancy import Flat, Markup, Plan, Tariff
from main.config import ConfigError, ModelSection
from main.settings import Settings
from main.transcriber import transcriber_of
from storage.database.database import Database, migrations_pending, open_database
from storage.database.leases import Lease
from storage.ledger.ledger import SqlJournal, SqlLedger, allowance_rates
from storage.operations import learned_sizes
from storage.operations import provider_state as provider_units
from storage.reports import journal
from storage.reports.caps import SpendingCaps
from storage.reports.losses import SqlLosses

log = logging.getLogger("farthing")


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Container:
    """Everything below the faces."""

    settings: Settings
    db: Database
    lease: Lease
    clock: SystemClock
    plans: Mapping[str, Plan]
    market: Market
    gateway: Gateway
    caps: SpendingCaps
    transcriber: Transcriber | None = None

    def provider_rows(self, admin: bool) -> list[dict[str, Any]]:
        """What GET /providers shows; prices and limits for operators."""
        return [self._provider_row(name, provider, admin) for name, provider in self.market.providers.items()]

    def _provider_row(self, name: str, provider: Provider, admin: bool) -> dict[str, Any]:
        state = self.market.health.state(name)
        row: dict[str, Any] = {
            "name": name,
            "configured": provider.keys > 0,
            "state": state.state.value,
            "since": state.since.isoformat(),
            "p50_first_token_ms": state.p50_first_token_ms,
        }
        if admin:
            row |= {
                "reason": state.reason,
                "retry_after_seconds": round(state.seconds, 1),
                "requests_per_minute": state.requests_per_minute,
                "failures": state.failures,
                "chance_of_failure": round(state.odds, 3),
                "prices": self._prices(name),
                "free": self._free(name),
            }
        return row

    def _free(self, provider: str) -> list[dict[str, Any]]:
        """What is left of each free tier."""
        free, now = self.market.catalog.free, self.clock.now()
        found = ((offer, free.left(offer, now)) for offer in free.allowed if offer.provider == provider)
        return [
            {"model": offer.model, "left_this_minute": left.this_minute, "left_today": left.today}
            for offer, left in found
            if left is not None
        ]

    def _prices(self, provider: str) -> list[dict[str, Any]]:
        now = self.clock.now()
        rows = []
        for offer in self.market.catalog.offers_of(provider):
            price = self.market.catalog.book.price(offer.provider, offer.model, now)
            if price is not None:
                rates = price.rates(0)
                rows.append(
                    {
                        "model": offer.model,
                        "input_usd_per_mtok": str(Money.per_mtok(rates.input)),
                        "cached_input_usd_per_mtok": str(Money.per_mtok(rates.cached_input)),
                        "output_usd_per_mtok": str(Money.per_mtok(rates.output)),
                        "source": price.source,
                    }
                )
        return rows


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[Container]:
    """Connect, migrate (SQLite only), and build everything below the faces."""
    async with AsyncExitStack() as stack:
        await migrate_own(settings)
        db = await stack.enter_async_context(open_database(settings.env.database_url))
        clock = SystemClock()
        lease = await stack.enter_async_context(Lease(db, clock))
        plans = plans_of(settings)
        market = await build_market(settings, db, clock)
        for provider in market.providers.values():
            stack.push_async_callback(provider.aclose)
        stack.push_async_callback(db.write, partial(learned_sizes.save, sizes=market.catalog.sizes))
        stack.push_async_callback(market.background_reads.aclose)
        ledger = SqlLedger(db, lease, clock, allowance_rates(plans))
        caps = caps_of(settings, db, clock)
        gateway = Gateway(market, ledger, gates=(caps,) if caps.is_set else (), losses=SqlLosses(db, clock))
        transcriber = transcriber_of(settings, market, ledger, all_specs(settings))
        _say_what_free_means(settings)
        yield Container(settings, db, lease, clock, plans, market, gateway, caps, transcriber)


def caps_of(settings: Settings, db: Database, clock: SystemClock) -> SpendingCaps:
    house = settings.config.house
    per_day = None if house.usd_per_day is None else Money.usd(house.usd_per_day)
    per_month = None if house.usd_per_month is None else Money.usd(house.usd_per_month)
    return SpendingCaps(db, clock, per_day, per_month)


def _say_what_free_means(settings: Settings) -> None:
    """The operator is told what a free tier costs: its provider may train on prompts."""
    if settings.config.free:
        log.info("free tiers are used first; their providers may train on prompts, and /privacy says so")


async def migrate_own(settings: Settings) -> None:
    """SQLite is brought up to date by itself; PostgreSQL by `migrate`, since replicas may be running."""
    from storage.migrations import upgrade  # noqa: PLC0415

    url = settings.env.database_url
    try:
        async with open_database(url) as db:
            pending = await db.read(migrations_pending)
    except sqlite3.DatabaseError as error:
        way_out = "if it is damaged, `python -m main restore FILE` puts a backup in its place"
        raise OSError(f"{url} can't be opened: {error}; {way_out}") from error
    if pending and not url.startswith("sqlite:"):
        raise OSError("the database is not up to date: run `python -m main migrate` first")
    if pending:
        await asyncio.to_thread(upgrade, url)


async def build_market(settings: Settings, db: Database, clock: SystemClock) -> Market:
    known = all_specs(settings)
    check_offers(settings, known)
    providers = {name: _provider(settings, name, spec) for name, spec in known.items()}
    policy = HealthPolicy(**settings.config.health.model_dump())
    health = Health(policy, clock, {name: provider.keys for name, provider in providers.items()})
    for name in await db.read(provider_units.drained):
        if name in providers:
            health.drain(name)
    catalog = build_catalog(settings, providers, known)
    await _count_free(catalog.free, db, clock)
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


async def _count_free(free: FreeTiers, db: Database, clock: SystemClock) -> None:
    """What earlier processes used of today's free tiers."""
    now = clock.now()
    for offer in free.allowed:
        used = partial(journal.attempts_since, provider=offer.provider, model=offer.model)
        free.begin(offer, now, await db.read(partial(used, since=day_begin(offer, now))))


def all_specs(settings: Settings) -> dict[str, Spec]:
    """The built-in addresses and those of [providers]; one given there replaces a built-in of its name."""
    own = {
        name: Spec(name, section.base_url, section.dialect, needs_key=bool(section.key_env))
        for name, section in settings.config.providers.items()
    }
    return {**specs(), **own}


def check_offers(settings: Settings, known: Mapping[str, Spec]) -> None:
    """Raises ConfigError for an offer or a price of a provider that nobody has heard of."""
    path = settings.env.farthing_config
    named = [(f'prices."{name}"', name) for name in settings.config.prices]
    named += [(f'free."{name}"', name) for name in settings.config.free]
    for model, section in settings.config.models.items():
        named += [(f"models.{model}", name) for name in (*section.offers, *section.last_resort)]
    for key, name in named:
        provider, slash, rest = name.partition("/")
        if provider not in known or not slash or not rest:
            raise ConfigError(f'{path}: {key}: "{name}": expected "provider/model" with one of {", ".join(known)}')


def build_catalog(settings: Settings, providers: Mapping[str, Provider], known: Mapping[str, Spec]) -> Catalog:
    config = settings.config
    overrides = {
        name: flat_price(price.input, price.output, price.cached_input, price.cache_write)
        for name, price in config.prices.items()
    }
    keyless = {name for name, section in config.providers.items() if not section.key_env}
    book = PriceBook(
        overrides,
        {name: exact(spec.fee) for name, spec in known.items() if spec.fee != "0"},
        frozenset({"local", *keyless}),
    )
    return Catalog(
        models=models_of(settings),
        book=book,
        configured=lambda name: name in providers and providers[name].keys > 0,
        named_markup=exact(config.billing.markup),
        known=tuple(dict.fromkeys((*map(Offer.named, config.prices), *default_offers()))),
        contexts={name: price.context_tokens for name, price in config.prices.items() if price.context_tokens},
        free=FreeTiers({Offer.named(name): FreeTierLimits(**tier.model_dump()) for name, tier in config.free.items()}),
    )


def models_of(settings: Settings) -> dict[str, Model]:
    """The built-in auto and smart, and whatever [models] says instead or beside."""
    sections = {"auto": AUTO, "smart": SMART}
    models = {name: _model(settings, name, ModelSection.model_validate(each)) for name, each in sections.items()}
    return {**models, **{name: _model(settings, name, each) for name, each in settings.config.models.items()}}


def _model(settings: Settings, name: str, section: ModelSection) -> Model:
    defaults: Mapping[str, Any] = {"auto": AUTO, "smart": SMART}.get(name, {})
    offers = section.offers or tuple(defaults.get("offers", ()))
    last = section.last_resort if section.offers else section.last_resort or tuple(defaults.get("last_resort", ()))
    both = tuple(dict.fromkeys((*offers, *last)))
    return Model(
        name,
        tuple(map(Offer.named, both)),
        _tariff(settings, name, section),
        frozenset(map(Offer.named, last)),
        None if section.max_loss_usd_per_day is None else Money.usd(section.max_loss_usd_per_day),
    )


def _tariff(settings: Settings, name: str, section: ModelSection) -> Tariff:
    if section.markup is not None:
        return Markup(exact(section.markup))
    if section.usd_per_mtok is not None:
        return Flat(atto_per_token(section.usd_per_mtok))
    if name == "auto":
        return Flat(atto_per_token(AUTO["usd_per_mtok"]))
    return Markup(exact(SMART["markup"]) if name == "smart" else exact(settings.config.billing.markup))


def plans_of(settings: Settings) -> dict[str, Plan]:
    """Free first: the one that first contact gets."""
    return {
        name: Plan(
            name=name,
            usd_per_month=Money.usd(plan.usd_per_month),
            tokens_per_month=plan.tokens_per_month,
            requests_per_minute=plan.requests_per_minute,
            max_output_tokens=plan.max_output_tokens,
            models=plan.models,
        )
        for name, plan in settings.config.plans.items()
    }


def _provider(settings: Settings, name: str, spec: Spec) -> Provider:
    section = settings.config.providers.get(name)
    given = settings.provider(name, key_env=section.key_env if section else "")
    keys = tuple(key.get_secret_value() for key in given.keys)
    return build(spec, keys=keys, base_url=given.base_url, proxy=given.proxy)
