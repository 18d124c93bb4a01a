"""The engine's shared facts as JSON, passed from one process to another."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from engine.catalog.catalog import Catalog
from engine.catalog.free_tiers import FreeTierLimits, FreeTierRemaining, FreeTiers
from engine.catalog.offers import LearnedContexts, Offer
from engine.errors import Overloaded
from engine.gateway.question import Market
from engine.routing.health import Health, HealthPolicy, Permit
from engine.routing.provider_health import Status
from main.replicas.parts import ContextPart, FreeTierPart, HealthPart, engine_parts
from tests.storage.books import FixedClock

OFFER = Offer("p", "m")


def market() -> Market:
    clock = FixedClock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    catalog = SimpleNamespace(learned_contexts=LearnedContexts(), free=FreeTiers({OFFER: FreeTierLimits(10, 100)}))
    health = Health(HealthPolicy(), clock, {"p": 1})
    return cast(Market, SimpleNamespace(health=health, clock=clock, catalog=cast(Catalog, catalog)))


def wired(told: Any) -> Any:
    return json.loads(json.dumps(told))


def test_rest_of_an_offer_travels() -> None:
    one, two = market(), market()
    for _ in range(5):
        permit = one.health.admit(OFFER)
        assert isinstance(permit, Permit)
        one.health.failed(permit, Overloaded())
    part = HealthPart(one)
    HealthPart(two).apply(wired(part.take()), 0.1)
    assert two.health.offer_state(OFFER).status is Status.RESTING
    assert part.take() is None


def test_counts_of_an_earlier_minute_are_left_out() -> None:
    two = market()
    HealthPart(two).apply({"facts": [], "counts": [["p", 0, "m", 5, 0, 0]]}, 61)
    HealthPart(two).apply({"facts": [], "counts": [["p", 0, "m", 3, 0, 0]]}, 1)
    assert len(two.health.providers["p"].keys[0].budget("m").limit._begun_at) == 3


def test_context_travels_and_ends_at_the_same_time() -> None:
    one, two = market(), market()
    one.catalog.learned_contexts.learn(OFFER, 8000, one.clock.now())
    parts = [ContextPart(each.catalog, each.clock) for each in (one, two)]
    parts[1].apply(wired(parts[0].take()), 2)
    learned, at = two.catalog.learned_contexts, two.clock.now()
    assert learned.tokens(OFFER, at) == 8000
    assert learned.tokens(OFFER, at + timedelta(minutes=59, seconds=59)) is None  # sent two seconds ago
    assert (parts[0].take(), parts[1].take()) == ([], [])


def test_requests_of_a_free_tier_count_in_all_processes() -> None:
    one, two = market(), market()
    for _ in range(3):
        one.catalog.free.use(OFFER, one.clock.now())
    parts = [FreeTierPart(each.catalog, each.clock) for each in (one, two)]
    told = wired(parts[0].take())
    parts[1].apply(told, 0.5)
    parts[1].apply(told, 90)  # the journal contains them already
    parts[1].apply([["x", "y", 5, 0]], 0.5)
    assert two.catalog.free.left(OFFER, two.clock.now()) == FreeTierRemaining(7, 97)
    assert parts[1].take() == []


def test_each_part_has_its_own_name() -> None:
    assert set(engine_parts(market())) == {"health", "contexts", "free"}
