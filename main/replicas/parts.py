"""The engine's facts that replicas share, as JSON: health, contexts, free tiers."""

from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.offers import Offer
from engine.gateway.question import Market
from engine.ports import Clock
from engine.routing.shared_health import SharedHealth
from main.replicas.exchange import SharedPart

MINUTE_SECONDS = 60.0
"""Counts of calls older than this are outside every window."""


class HealthPart:
    """Breakers, rests, refused keys, drains and learned limits, with the attempts that count towards them."""

    def __init__(self, market: Market) -> None:
        self._shared = SharedHealth(market.health, market.clock)

    def take(self) -> Any:
        facts, counts = self._shared.changes(), self._shared.counts()
        return {"facts": facts, "counts": counts} if facts or counts else None

    def apply(self, told: Any, age_seconds: float) -> None:
        self._shared.apply(told["facts"], age_seconds)
        if age_seconds < MINUTE_SECONDS:
            self._shared.count(told["counts"])


class ContextPart:
    """Context lengths that providers named when they refused a prompt."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._learned, self._clock = catalog.learned_contexts, clock

    def take(self) -> Any:
        now = self._clock.now()
        return [(offer.provider, offer.model, tokens, left) for offer, tokens, left in self._learned.take_new(now)]

    def apply(self, told: Any, age_seconds: float) -> None:
        for provider, model, tokens, left_seconds in told:
            self._learned.adopt(Offer(provider, model), tokens, self._clock.now(), left_seconds - age_seconds)


class FreeTierPart:
    """The requests to free tiers, whose limits apply to all processes together."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._free, self._clock = catalog.free, clock

    def take(self) -> Any:
        return [(offer.provider, offer.model, used, key) for offer, key, used in self._free.take_counts()]

    def apply(self, told: Any, age_seconds: float) -> None:
        if age_seconds > MINUTE_SECONDS:
            return  # the journal contains them already, and a starting process counts from it
        for provider, model, used, key in told:
            self._free.count_elsewhere(Offer(provider, model), self._clock.now(), used, key)


def engine_parts(market: Market) -> dict[str, SharedPart]:
    catalog, clock = market.catalog, market.clock
    return {
        "health": HealthPart(market),
        "contexts": ContextPart(catalog, clock),
        "free": FreeTierPart(catalog, clock),
    }
