from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from engine.catalog.offers import Offer
from engine.errors import KeyRefused, Overloaded, ProviderError
from engine.gateway.question import Market
from engine.ports import Provider
from engine.routing.health import Health, HealthPolicy, Permit
from scheduler.context import JobContext
from scheduler.incidents import report
from scheduler.jobs import probe_providers
from scheduler.jobs.probe_providers import cheapest_offer
from tests.scheduler.conftest import NAMES, NOW, HandClock


@dataclass
class Probed:
    """A provider whose free probe of a key raises the key's error, if any."""

    name: str
    keys: int = 1
    errors: dict[int, ProviderError] = field(default_factory=dict)
    probes: list[int] = field(default_factory=list)

    async def probe(self, key: int) -> None:
        self.probes.append(key)
        if key in self.errors:
            raise self.errors[key]


@dataclass
class World:
    """A context with `providers`, and the offers that were probed with a real prompt."""

    context: JobContext
    providers: dict[str, Probed]
    prompts: list[Offer] = field(default_factory=list)

    @property
    def health(self) -> Health:
        return self.context.market.health

    def refuse(self, name: str, key: int) -> None:
        """Report that the provider refused this key."""
        for _ in range(5):
            permit = self.health.admit(Offer(name, "m"))
            assert isinstance(permit, Permit)
            if permit.key == key:
                self.health.failed(permit, KeyRefused("no"))
                return
            self.health.abandoned(permit)
        raise AssertionError(f"key {key} was not admitted")

    def fail(self, name: str) -> None:
        """Open the provider's breaker."""
        for _ in range(5):
            permit = self.health.admit(Offer(name, "m"))
            assert isinstance(permit, Permit)
            self.health.failed(permit, Overloaded("503"))


@pytest.fixture
def world(context: JobContext, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    def build(**keys: int) -> World:
        providers = {name: Probed(name, keys.get(name, 1)) for name in NAMES}
        health = Health(HealthPolicy(), clock, {name: each.keys for name, each in providers.items()})
        market = replace(context.market, health=health, providers=cast("dict[str, Provider]", providers))
        made = World(replace(context, market=market), providers)

        async def probe(_: Market, offer: Offer, request_id: str) -> None:
            assert request_id.startswith("probe:")
            made.prompts.append(offer)

        monkeypatch.setattr(probe_providers, "probe", probe)
        return made

    return build


async def test_provider_is_probed_once_its_cooldown_is_over(world: Callable[..., World], clock: HandClock) -> None:
    here = world()
    here.fail("deepseek")
    await probe_providers.run(here.context)
    assert here.prompts == []
    clock.move(seconds=61)
    await probe_providers.run(here.context)
    assert here.prompts == [Offer("deepseek", "m")]


async def test_refused_key_is_probed_for_free_before_a_prompt_is_sent(world: Callable[..., World]) -> None:
    here = world()
    here.refuse("deepseek", 0)
    here.providers["deepseek"].errors[0] = KeyRefused("still no")
    await probe_providers.run(here.context)
    assert (here.providers["deepseek"].probes, here.prompts) == ([0], [])
    assert here.health.is_locked_out("deepseek")
    del here.providers["deepseek"].errors[0]
    await probe_providers.run(here.context)
    assert not here.health.is_locked_out("deepseek")
    assert here.prompts == [Offer("deepseek", "m")]


async def test_one_refused_key_of_several_is_restored_by_its_free_probe(world: Callable[..., World]) -> None:
    here = world(deepseek=2)
    here.refuse("deepseek", 1)
    here.providers["deepseek"].errors[1] = KeyRefused("still no")
    await probe_providers.run(here.context)
    assert here.health.refused_keys() == (("deepseek", 1),)
    here.providers["deepseek"].errors.clear()
    await probe_providers.run(here.context)
    assert here.health.refused_keys() == ()
    assert (here.providers["deepseek"].probes, here.prompts) == ([1, 1], [])


def test_cheapest_offer_has_the_lowest_price(context: JobContext) -> None:
    catalog: Any = context.market.catalog
    dear, cheap = (catalog.book.overrides[f"{name}/m"] for name in ("openai", "deepseek"))
    catalog.book.overrides["gemini/dear"], catalog.book.overrides["gemini/cheap"] = dear, cheap
    known = (Offer("gemini", "dear"), Offer("gemini", "cheap"))
    market = replace(context.market, catalog=replace(catalog, known=known))
    assert cheapest_offer(replace(context, market=market), "gemini") == Offer("gemini", "cheap")


def test_provider_without_a_known_price_has_no_offer(context: JobContext) -> None:
    assert cheapest_offer(context, "nobody") is None


async def test_outage_of_before_the_restart_is_probed_until_it_rests_here_too(world: Callable[..., World]) -> None:
    made, now = world(), NOW
    for kind, subject in (("offer_down", "openai/m"), ("key_refused", "gemini"), ("offer_down", "gone/m")):
        await report(made.context, kind, subject, {}, now)
    await probe_providers.run(made.context)
    assert sorted(made.prompts) == [Offer("gemini", "m"), Offer("openai", "m")]
    made.prompts.clear()
    made.fail("openai")
    made.refuse("gemini", 0)
    made.providers["gemini"].errors[0] = KeyRefused("still")
    await probe_providers.run(made.context)
    assert made.prompts == []
