"""Models, offers, prices and plans, built from the settings."""

from collections.abc import Mapping
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.defaults import AUTO, SMART, default_offers
from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.catalog.offers import Model, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.money import Money, atto_per_token, exact
from engine.ports import Provider
from engine.privacy import DataPolicies, DataPolicy
from engine.providers.registry import specs
from engine.providers.spec import Spec
from engine.tenancy import Flat, Markup, Plan, Tariff
from main.config import ModelSection
from main.config_faults import ConfigError
from main.settings import Settings


def all_specs(settings: Settings) -> dict[str, Spec]:
    """Return the built-in addresses and those of [providers]; an entry there replaces a built-in one of its name."""
    configured = {
        name: Spec(
            name,
            section.base_url,
            section.dialect,
            needs_key=bool(section.key_env),
            data=DataPolicy(section.country, section.trains_on_prompts, section.trains_on_prompts),
        )
        for name, section in settings.config.providers.items()
    }
    return {**specs(), **configured}


def check_offers(settings: Settings, known: Mapping[str, Spec]) -> None:
    """Raise ConfigError for an offer, price or free tier whose provider is not among `known`."""
    named = [(f'prices."{name}"', name) for name in settings.config.prices]
    named += [(f'free."{name}"', name) for name in settings.config.free]
    for model, section in settings.config.models.items():
        named += [(f"models.{model}", name) for name in (*section.offers, *section.last_resort)]
    for key, name in named:
        provider, slash, model = name.partition("/")
        if provider not in known or not slash or not model:
            raise ConfigError(
                f'{settings.env.farthing_config}: {key}: "{name}": expected "provider/model" '
                f"with one of {', '.join(known)}"
            )


def build_catalog(settings: Settings, providers: Mapping[str, Provider], known: Mapping[str, Spec]) -> Catalog:
    """Return the catalog of all models and prices in the settings and the built-in lists."""
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
        ids={name: spec.catalogue for name, spec in known.items() if spec.catalogue},
    )
    return Catalog(
        models=build_models(settings),
        book=book,
        configured=frozenset(name for name, provider in providers.items() if provider.keys > 0).__contains__,
        named_markup=exact(config.billing.markup),
        known=tuple(dict.fromkeys((*map(Offer.named, config.prices), *default_offers()))),
        contexts={name: price.context_tokens for name, price in config.prices.items() if price.context_tokens},
        policies=DataPolicies({name: spec.data for name, spec in known.items()}),
        free=FreeTiers(
            {Offer.named(name): FreeTierLimits(**tier.model_dump()) for name, tier in config.free.items()},
            {name: provider.keys for name, provider in providers.items()},
        ),
    )


def build_models(settings: Settings) -> dict[str, Model]:
    """Return the built-in `auto` and `smart`, and every model of [models]; an entry there replaces a built-in one."""
    sections = {name: ModelSection.model_validate(defaults) for name, defaults in _BUILT_IN.items()}
    return {name: _model(settings, name, each) for name, each in {**sections, **settings.config.models}.items()}


def build_plans(settings: Settings) -> dict[str, Plan]:
    """Return the plans by name. New tenants get the first one."""
    return {
        name: Plan(**{**dict(plan), "name": name, "usd_per_month": Money.usd(plan.usd_per_month)})
        for name, plan in settings.config.plans.items()
    }


_BUILT_IN: Mapping[str, Mapping[str, Any]] = {"auto": AUTO, "smart": SMART}


def _model(settings: Settings, name: str, section: ModelSection) -> Model:
    defaults = _BUILT_IN.get(name, {})
    offers = section.offers or tuple(defaults.get("offers", ()))
    last = section.last_resort if section.offers else section.last_resort or tuple(defaults.get("last_resort", ()))
    return Model(
        name,
        tuple(map(Offer.named, dict.fromkeys((*offers, *last)))),
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
