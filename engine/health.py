"""Health: who may be asked now. A breaker a provider, rests and learned limits a key; the clock is passed in."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import ceil

from engine.breaker import Breaker
from engine.catalog import Offer
from engine.errors import BalanceGone, KeyRefused, NoSuchModel, ProviderError, RateLimited
from engine.limits import LONGEST_REST_SECONDS, Key
from engine.ports import Clock, LimitHeaders
from engine.routing import Standing
from engine.track import Track

MODEL_GONE_SECONDS = 3600.0
PROBE_UNDER_WAY_SECONDS = 1.0
JITTER = 0.1
_MOST_OFFERS = 4096  # tenants may name what they like


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    RESTING = "resting"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """Contract: [health]."""

    failures_to_open: int = 5
    rest_seconds: float = 60
    first_token_seconds: float = 20
    idle_seconds: float = 30


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to try: under which key, since when. `probe` when it is the one try of a half-open breaker."""

    offer: Offer
    key: int
    probe: bool = False
    began_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LimitFact:
    """A provider answers 429 at `now_per_minute`; it took `before_per_minute` before."""

    provider: str
    now_per_minute: int
    before_per_minute: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ProviderState:
    """For display. `since` is when it was first seen so; `seconds` until it may be asked again, 0 when it may now."""

    name: str
    state: State
    since: datetime
    reason: str
    seconds: float
    p50_first_token_ms: int | None
    requests_per_minute: int | None
    failures: int
    odds: float


@dataclass(slots=True)
class _Provider:
    keys: list[Key]
    breaker: Breaker
    since: datetime
    seen: State = State.CLOSED
    drained: bool = False
    last_error: str = ""
    turn: int = 0
    track: Track = field(default_factory=Track)

    @property
    def is_locked_out(self) -> bool:
        return bool(self.keys) and all(key.needs_mending for key in self.keys)

    def is_due(self, now: float) -> bool:
        """True when a probe would say something."""
        half_open = self.look(now)[0] is State.HALF_OPEN and not self.breaker.probing
        return half_open or (self.is_locked_out and not self.drained)

    def next_key(self, now: float) -> int:
        """In turn, over those that may be used."""
        total = len(self.keys)
        order = [(self.turn + step) % total for step in range(total)]
        number = next((n for n in order if self.keys[n].wait_seconds(now) <= 0), order[0])
        self.turn = (number + 1) % total
        return number

    def look(self, now: float) -> tuple[State, str, float]:
        """Its state, why, and the seconds until it may be asked."""
        if self.drained:
            return State.DRAINED, "drained by an operator", LONGEST_REST_SECONDS
        left = self.breaker.left_seconds(now)
        if left > 0:
            return State.OPEN, f"breaker open after {self.last_error}, {ceil(left)} s left", left
        key = min(self.keys, key=lambda each: each.wait_seconds(now), default=None)
        if key is not None and (wait := key.wait_seconds(now)) > 0:
            until = "until mended" if key.needs_mending else f"{ceil(wait)} s left"
            return State.RESTING, f"{key.reason(now)}, {until}", wait
        if self.breaker.probing:
            return State.HALF_OPEN, "one probe is under way", PROBE_UNDER_WAY_SECONDS
        return (State.HALF_OPEN if self.breaker.is_open else State.CLOSED), "", 0.0


class Health:
    """Told of every try; asked before each. One per process."""

    def __init__(
        self,
        policy: HealthPolicy,
        clock: Clock,
        providers: Mapping[str, int],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._chance = clock, chance
        now = clock.now()
        self._providers = {
            name: _Provider([Key() for _ in range(keys)], Breaker(policy.failures_to_open, policy.rest_seconds), now)
            for name, keys in providers.items()
        }
        self._rest_seconds = policy.rest_seconds
        self._tracks: dict[Offer, Track] = {}
        self._gone: dict[Offer, float] = {}

    def admit(self, offer: Offer) -> Permit | Refusal:
        """Leave to try `offer` now, under one of its keys in turn; a half-open breaker lets one try through."""
        refusal = self._refusal(offer)
        if refusal is not None:
            return refusal
        provider, now = self._providers[offer.provider], self._clock.monotonic()
        number = provider.next_key(now)
        provider.keys[number].use(now)
        provider.breaker.probing = provider.breaker.is_open
        return Permit(offer, number, probe=provider.breaker.is_open, began_at=now)

    def standing(self, offer: Offer) -> Standing:
        """For the planner: nothing is reserved. An offer not tried yet stands as its provider does."""
        refusal = self._refusal(offer)
        if refusal is not None:
            return Standing(refusal.reason)
        track = self._tracks.get(offer) or self._providers[offer.provider].track
        latency_seconds = (track.p50_first_token_ms or 0) / 1000
        return Standing("", track.odds(self._clock.monotonic()), track.loss_seconds, latency_seconds)

    def succeeded(self, permit: Permit, first_token_ms: int | None, limits: LimitHeaders | None = None) -> None:
        provider, now = self._providers[permit.offer.provider], self._clock.monotonic()
        provider.breaker.succeeded(now, probe=permit.probe)
        for track in (provider.track, self._track(permit.offer)):
            track.succeeded(now, first_token_ms)
        key = provider.keys[permit.key]
        key.succeeded(now, permit.began_at)
        if limits is not None:
            key.heed(now, limits)
        self._look(provider)

    def failed(self, permit: Permit, error: ProviderError) -> None:
        """Only what `counts` is the provider's failure; a probe that ends otherwise leaves its place to the next."""
        provider, now = self._providers[permit.offer.provider], self._clock.monotonic()
        key = provider.keys[permit.key]
        if error.counts:
            self._count(provider, permit, error, now)
        elif permit.probe:
            provider.breaker.release()
        if isinstance(error, RateLimited):
            jitter = 1 + JITTER * self._chance()
            key.limited(now, permit.began_at, error.retry_after_seconds, jitter=jitter, per_day=error.per_day)
        elif isinstance(error, KeyRefused | BalanceGone):
            key.refused(now, error.outcome.replace("_", " "))
        elif isinstance(error, NoSuchModel):
            self._gone = {offer: until for offer, until in self._gone.items() if until > now}
            self._gone[permit.offer] = now + MODEL_GONE_SECONDS
        self._look(provider)

    def abandoned(self, permit: Permit) -> None:
        """The reader left: nothing is learned, and a probe's place is free again."""
        if permit.probe:
            self._providers[permit.offer.provider].breaker.release()

    def drain(self, name: str) -> None:
        self._providers[name].drained = True
        self._look(self._providers[name])

    def resume(self, name: str) -> None:
        """Back into service, with every rest forgotten."""
        self._providers[name].drained = False
        self.mend(name)

    def mend(self, name: str, key: int | None = None) -> None:
        """The operator mended it, or a probe found it well: all of it, or one key."""
        provider = self._providers[name]
        if key is None:
            provider.breaker.close()
        for each in provider.keys if key is None else (provider.keys[key],):
            each.mend()
        self._look(provider)

    def due_probes(self) -> tuple[str, ...]:
        """Providers whose rest is over and that no traffic has tried since; and those with no key left in service."""
        now = self._clock.monotonic()
        return tuple(name for name, provider in self._providers.items() if provider.is_due(now))

    def needs_mending(self, name: str) -> bool:
        """True when every key was refused or is out of money."""
        return self._providers[name].is_locked_out

    def refused_keys(self) -> tuple[tuple[str, int], ...]:
        """Single keys out of service while others of their provider serve: (provider, key), for a free probe."""
        return tuple(
            (name, number)
            for name, provider in self._providers.items()
            if not provider.drained and not provider.is_locked_out
            for number, key in enumerate(provider.keys)
            if key.needs_mending
        )

    def smallest_rest_seconds(self) -> float:
        """When somebody may next be asked."""
        waits = [state.seconds for state in self.states() if state.seconds > 0 and state.state is not State.DRAINED]
        return min(waits, default=self._rest_seconds)

    def states(self) -> tuple[ProviderState, ...]:
        return tuple(self.state(name) for name in self._providers)

    def state(self, name: str) -> ProviderState:
        provider = self._providers[name]
        state, reason, seconds = self._look(provider)
        limits = [key.limit for key in provider.keys if key.limit is not None]
        return ProviderState(
            name,
            state,
            provider.since,
            reason,
            seconds,
            provider.track.p50_first_token_ms,
            sum(limits) if limits else None,
            provider.breaker.failures,
            provider.track.odds(self._clock.monotonic()),
        )

    def limit_facts(self) -> tuple[LimitFact, ...]:
        """Limits that fell; each is handed out once, when a minute without a 429 has shown where it lies."""
        now = self._clock.monotonic()
        return tuple(
            LimitFact(name, fall.now_per_minute, fall.before_per_minute, self._clock.now())
            for name, provider in self._providers.items()
            for key in provider.keys
            if (fall := key.take_fall(now)) is not None
        )

    def _refusal(self, offer: Offer) -> Refusal | None:
        provider = self._providers.get(offer.provider)
        if provider is None or not provider.keys:
            return Refusal("not configured", LONGEST_REST_SECONDS)
        gone_seconds = self._gone.get(offer, 0.0) - self._clock.monotonic() if self._gone else 0.0
        if gone_seconds > 0:
            return Refusal("the provider has no such model", gone_seconds)
        _, reason, seconds = self._look(provider)
        return Refusal(reason, seconds) if seconds > 0 else None

    def _look(self, provider: _Provider) -> tuple[State, str, float]:
        """Its state now; a change is noted when it is first seen."""
        found = provider.look(self._clock.monotonic())
        if found[0] is not provider.seen:
            provider.seen, provider.since = found[0], self._clock.now()
        return found

    def _count(self, provider: _Provider, permit: Permit, error: ProviderError, now: float) -> None:
        provider.last_error = error.outcome
        provider.breaker.failed(now, probe=permit.probe)
        for track in (provider.track, self._track(permit.offer)):
            track.failed(now, now - permit.began_at)

    def _track(self, offer: Offer) -> Track:
        if len(self._tracks) > _MOST_OFFERS:
            self._tracks.clear()
        return self._tracks.setdefault(offer, Track())
