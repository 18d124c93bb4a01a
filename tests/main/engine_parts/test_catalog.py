"""Models, prices and plans from farthing.toml."""

from dataclasses import fields
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.defaults import AUTO, SMART
from engine.catalog.free_tiers import FreeTierRemaining
from engine.catalog.offers import Offer
from engine.money import Money
from engine.ports import Provider
from engine.tenancy import Flat, Markup, Plan
from main.config import PlanSection
from main.config_faults import ConfigError
from main.engine_parts.catalog import all_specs, build_catalog, build_models, build_plans, check_offers
from main.settings import Settings, read

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BOX = '[providers.box]\nbase_url = "http://127.0.0.1:1/v1"\n'


class Keys:
    """A provider with a given number of keys."""

    def __init__(self, keys: int) -> None:
        self.keys = keys


def settings_of(folder: Path, toml: str) -> Settings:
    (folder / "farthing.toml").write_text(toml)
    return read({"FARTHING_CONFIG": str(folder / "farthing.toml")}, folder / "no.env")


def catalog_of(folder: Path, toml: str, **keys: int) -> Catalog:
    settings = settings_of(folder, toml)
    providers = cast("dict[str, Provider]", {name: Keys(number) for name, number in keys.items()})
    return build_catalog(settings, providers, all_specs(settings))


def test_without_a_config_auto_and_smart_are_built_in(tmp_path: Path) -> None:
    models = build_models(settings_of(tmp_path, ""))
    assert set(models) == {"auto", "smart"}
    assert models["auto"].offers == tuple(map(Offer.named, dict.fromkeys((*AUTO["offers"], *AUTO["last_resort"]))))
    assert models["auto"].tariff == Flat(5 * 10**12)
    assert models["smart"].tariff == Markup(Fraction(SMART["markup"]))


@pytest.mark.parametrize(
    ("section", "offers", "last_resort"),
    [
        ('offers = ["a/m"]', ["a/m"], []),
        ('offers = ["a/m", "b/m"]\nlast_resort = ["b/m"]', ["a/m", "b/m"], ["b/m"]),
        ('offers = ["a/m"]\nlast_resort = ["b/m"]', ["a/m", "b/m"], ["b/m"]),
    ],
)
def test_offers_of_a_model_replace_the_built_in_ones(
    tmp_path: Path, section: str, offers: list[str], last_resort: list[str]
) -> None:
    auto = build_models(settings_of(tmp_path, f"[models.auto]\n{section}\n"))["auto"]
    assert [each.name for each in auto.offers] == offers
    assert sorted(each.name for each in auto.last_resort) == last_resort


def test_model_without_offers_keeps_the_built_in_ones(tmp_path: Path) -> None:
    models = build_models(settings_of(tmp_path, '[models.auto]\nusd_per_mtok = "3"\n'))
    assert models["auto"].tariff == Flat(3 * 10**12)
    assert models["auto"].last_resort == frozenset(map(Offer.named, AUTO["last_resort"]))


@pytest.mark.parametrize(
    ("toml", "tariff"),
    [
        ('[models.x]\noffers = ["a/m"]\n', Markup(Fraction("1.4"))),
        ('[billing]\nmarkup = "2"\n[models.x]\noffers = ["a/m"]\n', Markup(Fraction(2))),
        ('[models.x]\noffers = ["a/m"]\nmarkup = "3"\n', Markup(Fraction(3))),
        ('[models.x]\noffers = ["a/m"]\nusd_per_mtok = "0.5"\n', Flat(5 * 10**11)),
    ],
)
def test_tariff_of_a_model_is_its_own_or_the_markup_of_billing(tmp_path: Path, toml: str, tariff: object) -> None:
    assert build_models(settings_of(tmp_path, toml))["x"].tariff == tariff


def test_loss_limit_is_read_per_model(tmp_path: Path) -> None:
    models = build_models(settings_of(tmp_path, '[models.auto]\nmax_loss_usd_per_day = "1.5"\n'))
    assert (models["auto"].max_loss_per_day, models["smart"].max_loss_per_day) == (Money.usd("1.5"), None)


@pytest.mark.parametrize(
    ("toml", "key"),
    [
        ('[models.auto]\noffers = ["nobody/m"]\n', "models.auto"),
        ('[models.auto]\noffers = ["openai"]\n', "models.auto"),
        ('[models.auto]\nlast_resort = ["openai/"]\n', "models.auto"),
        ('[prices."nobody/m"]\ninput = "1"\noutput = "1"\n', 'prices."nobody/m"'),
        ('[free."nobody/m"]\nrequests_per_minute = 1\nrequests_per_day = 1\n', 'free."nobody/m"'),
    ],
)
def test_offer_of_an_unknown_provider_names_its_key(tmp_path: Path, toml: str, key: str) -> None:
    settings = settings_of(tmp_path, toml)
    with pytest.raises(ConfigError) as caught:
        check_offers(settings, all_specs(settings))
    assert f"farthing.toml: {key}: " in str(caught.value)


def test_offer_of_a_configured_provider_is_accepted(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, BOX + '[models.auto]\noffers = ["box/m/with-slash"]\n')
    check_offers(settings, all_specs(settings))


def test_configured_provider_replaces_the_built_in_one(tmp_path: Path) -> None:
    toml = '[providers.openai]\nbase_url = "http://127.0.0.1:1/v1"\ndialect = "gemini"\nkey_env = "K"\n'
    spec = all_specs(settings_of(tmp_path, toml))["openai"]
    assert (spec.base_url, spec.dialect, spec.needs_key) == ("http://127.0.0.1:1/v1", "gemini", True)
    assert not all_specs(settings_of(tmp_path, BOX))["box"].needs_key


def test_configured_price_overrides_the_catalogue(tmp_path: Path) -> None:
    section = '[prices."openai/gpt-4o"]\ninput = "0.14"\noutput = "0.28"\ncontext_tokens = 5\n'
    catalog = catalog_of(tmp_path, section, openai=1)
    price = catalog.book.price("openai", "gpt-4o", NOW)
    assert price is not None
    assert price.rates(0).output == 28 * 10**10
    assert catalog.contexts == {"openai/gpt-4o": 5}


def test_server_without_a_key_costs_nothing(tmp_path: Path) -> None:
    price: Any = catalog_of(tmp_path, BOX, box=1).book.price("box", "any", NOW)
    assert (price.rates(0).input, price.rates(0).output) == (0, 0)


def test_provider_without_keys_is_not_configured(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, "", openai=0, gemini=2)
    assert [catalog.configured(name) for name in ("openai", "gemini", "nobody")] == [False, True, False]


def test_each_key_of_a_provider_has_a_free_tier_of_its_own(tmp_path: Path) -> None:
    toml = '[free."gemini/gemini-2.5-flash-lite"]\nrequests_per_minute = 15\nrequests_per_day = 1000\n'
    catalog = catalog_of(tmp_path, toml, gemini=2)
    assert catalog.free.left(Offer("gemini", "gemini-2.5-flash-lite"), NOW) == FreeTierRemaining(30, 2000)


def test_first_plan_is_the_free_one(tmp_path: Path) -> None:
    plans = build_plans(settings_of(tmp_path, '[plans.free]\nmodels = ["auto"]\n'))
    assert list(plans) == ["free", "starter", "pro", "scale"]
    assert plans["free"].models == ("auto",)
    assert plans["pro"].usd_per_month == Money.usd("29")


def test_plan_has_the_fields_of_its_section_and_a_name() -> None:
    settings, plan = set(PlanSection.model_fields), {field.name for field in fields(Plan)} - {"name"}
    assert settings - plan == set(), "add these keys of PlanSection to engine.tenancy.Plan, and enforce them"
    assert plan - settings == set(), "add these fields of engine.tenancy.Plan to PlanSection in main/config.py"


def test_every_setting_of_a_plan_is_handed_over(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, '[plans.free]\nmodels = ["auto"]\n')
    for name, plan in build_plans(settings).items():
        section = settings.config.plans[name]
        given = {key: getattr(section, key) for key in PlanSection.model_fields}
        assert {key: getattr(plan, key) for key in given} == given | {"usd_per_month": Money.usd(section.usd_per_month)}
