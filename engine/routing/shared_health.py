"""The health of providers as facts to exchange with other processes.

A fact is a key, such as ("offer", provider, model), with a value, or with None if it no longer holds. Only changes are
sent. Moments are given as seconds from now, because processes have no common clock.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from engine.ports import Clock
from engine.routing.breaker import Breaker
from engine.routing.health import Health
from engine.routing.key_health import KeyHealth, RateBudget
from engine.routing.offer_health import OfferHealth
from engine.routing.provider_health import ProviderHealth

Key: TypeAlias = tuple[str | int, ...]
Value: TypeAlias = dict[str, Any]
Fact: TypeAlias = tuple[Sequence[str | int], Value | None]
Count: TypeAlias = tuple[str, int, str, int, int, int]
"""Provider, key, model, attempts begun, attempts refused, tokens expected."""

SAME_SECONDS = 0.25
_MOMENTS = frozenset({"until", "opened", "refused"})


class SharedHealth:
    """One Health's facts, by key, as other processes know them."""

    def __init__(self, health: Health, clock: Clock) -> None:
        self._health, self._clock = health, clock
        self._known: dict[Key, Value] = {}

    def changes(self) -> list[Fact]:
        """Return the facts that are new, and those that no longer hold, each once."""
        now, found = self._clock.monotonic(), dict(self._facts())
        new: list[Fact] = [
            (key, _from_now(value, now)) for key, value in found.items() if _differs(self._known.get(key), value)
        ]
        ended: list[Fact] = [(key, None) for key in self._known.keys() - found.keys()]
        self._known = found
        return new + ended

    def counts(self) -> list[Count]:
        """Return the attempts since the last call, by key and model: a limit counts those of all processes."""
        return [
            (name, number, model, *counts)
            for name, provider in self._health.providers.items()
            for number, key in enumerate(provider.keys)
            for model, budget in key.budgets.items()
            if any(counts := (*budget.limit.take_counts(), budget.token_limit.take_count()))
        ]

    def apply(self, facts: Sequence[Fact], age_seconds: float) -> None:
        """Take over the facts that another process sent `age_seconds` ago."""
        now = self._clock.monotonic()
        mine = dict(self._facts())
        for wired, value in facts:
            key = tuple(wired)
            provider = self._health.providers.get(str(key[1]))
            if provider is None:  # this process does not have the provider
                continue
            if value is None and _differs(self._known.get(key), mine.get(key)):
                continue  # this process has newer facts, and will send them
            moved = None if value is None else _at(value, now - age_seconds)
            _APPLY[str(key[0])](self._health, provider, key[2:], moved, now)
        mine = dict(self._facts())
        for wired, _ in facts:
            key = tuple(wired)
            if key in mine:
                self._known[key] = mine[key]
            else:
                self._known.pop(key, None)

    def count(self, counts: Sequence[Count]) -> None:
        """Count the attempts that another process has sent."""
        now = self._clock.monotonic()
        for name, number, model, begun, refused, tokens in counts:
            provider = self._health.providers.get(name)
            if provider is not None and number < len(provider.keys):
                budget = provider.keys[number].budget(model)
                budget.limit.count_elsewhere(now, begun, refused)
                budget.token_limit.count_elsewhere(now, tokens)

    def _facts(self) -> Iterator[tuple[Key, Value]]:
        now = self._clock.monotonic()
        for name, provider in self._health.providers.items():
            if provider.drained:
                yield ("drained", name), {}
            if provider.breaker.is_open:
                yield ("provider", name), _of_breaker(provider.breaker, provider.last_error)
            yield from _offer_facts(name, provider, now)
            yield from _key_facts(name, provider, now)


def _offer_facts(name: str, provider: ProviderHealth, now: float) -> Iterator[tuple[Key, Value]]:
    for model, offer in provider.offers.items():
        if offer.breaker.is_open:
            yield ("offer", name, model), _of_breaker(offer.breaker, offer.last_error)
        if offer.gone_until > now:
            yield ("gone", name, model), {"until": offer.gone_until}


def _key_facts(name: str, provider: ProviderHealth, now: float) -> Iterator[tuple[Key, Value]]:
    for number, key in enumerate(provider.keys):
        if value := _of_key(key, now):
            yield ("key", name, number), value
        for model, budget in key.budgets.items():
            if value := _of_budget(budget, now):
                yield ("budget", name, number, model), value


def _of_breaker(breaker: Breaker, error: str) -> Value:
    return {
        "until": breaker.opened_until,
        "opened": breaker.opened_at,
        "next": breaker.next_rest_seconds,
        "error": error,
    }


def _of_key(key: KeyHealth, now: float) -> Value:
    value: Value = {}
    if key.refused_at is not None:
        value |= {"refused": key.refused_at, "why": key.refused_for}
    return value | ({"until": key.rests_until} if key.rests_until > now else {})


def _of_budget(budget: RateBudget, now: float) -> Value:
    value: Value = {"until": budget.rests_until} if budget.rests_until > now else {}
    if budget.limit.per_minute is not None:
        value |= {"limit": budget.limit.per_minute, "before": budget.limit.before_per_minute}
    if budget.token_limit.per_minute is not None:
        value |= {"tokens": budget.token_limit.per_minute}
    return value


def _differs(one: Value | None, two: Value | None) -> bool:
    if one is None or two is None:
        return one is not two
    if one.keys() != two.keys():
        return True
    return any(
        abs(one[name] - two[name]) > SAME_SECONDS if name in _MOMENTS else one[name] != two[name] for name in one
    )


def _from_now(value: Value, now: float) -> Value:
    return {name: round(each - now, 3) if name in _MOMENTS else each for name, each in value.items()}


def _at(value: Value, now: float) -> Value:
    return {name: each + now if name in _MOMENTS else each for name, each in value.items()}


def _apply_drained(_: Health, provider: ProviderHealth, __: Key, value: Value | None, ___: float) -> None:
    provider.drained = value is not None


def _apply_provider(_: Health, provider: ProviderHealth, __: Key, value: Value | None, now: float) -> None:
    if value is not None:
        provider.last_error = value["error"]
        provider.breaker.adopt(value["opened"], value["until"], value["next"])
    elif provider.breaker.is_open:
        provider.breaker.close(now)
        provider.track.recovered(now, provider.breaker.usual_failure_share)


def _apply_offer(health: Health, provider: ProviderHealth, rest: Key, value: Value | None, now: float) -> None:
    offer = _offer(health, provider, rest)
    if value is None:
        if offer.breaker.is_open:
            offer.restore(now)
        return
    was_open, offer.last_error = offer.breaker.is_open, value["error"]
    offer.breaker.adopt(value["opened"], value["until"], value["next"])
    if not was_open:
        provider.offer_opened(str(rest[0]), value["opened"])


def _apply_gone(health: Health, provider: ProviderHealth, rest: Key, value: Value | None, _: float) -> None:
    _offer(health, provider, rest).gone_until = 0.0 if value is None else value["until"]


def _apply_key(_: Health, provider: ProviderHealth, rest: Key, value: Value | None, __: float) -> None:
    if (key := _key(provider, rest)) is None:
        return
    told = value or {}
    key.refused_at, key.refused_for = told.get("refused"), told.get("why", "")
    key.rests_until = told.get("until", 0.0)


def _apply_budget(_: Health, provider: ProviderHealth, rest: Key, value: Value | None, now: float) -> None:
    if (key := _key(provider, rest)) is None:
        return
    budget, told = key.budget(str(rest[1])), value or {}
    budget.rests_until = told.get("until", 0.0)
    if "limit" in told and told["limit"] != budget.limit.per_minute:
        budget.limit.adopt(now, told["limit"], told["before"])
    if "tokens" in told and told["tokens"] != budget.token_limit.per_minute:
        budget.token_limit.adopt(now, told["tokens"])


def _offer(health: Health, provider: ProviderHealth, rest: Key) -> OfferHealth:
    name = next(name for name, each in health.providers.items() if each is provider)
    return health.offer_health(name, str(rest[0]))


def _key(provider: ProviderHealth, rest: Key) -> KeyHealth | None:
    number = int(rest[0])
    return provider.keys[number] if number < len(provider.keys) else None


_APPLY = {
    "drained": _apply_drained,
    "provider": _apply_provider,
    "offer": _apply_offer,
    "gone": _apply_gone,
    "key": _apply_key,
    "budget": _apply_budget,
}
