"""Health: who may be asked now. A breaker a provider, rests and learned limits a key; the clock is passed in."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.catalog.offers import Offer
from engine.errors import BalanceGone, KeyRefused, NoSuchModel, ProviderError, RateLimited
from engine.ports import Clock, LimitHeaders
from engine.routing.breaker import Breaker
from engine.routing.key_health import LONGEST_REST_SECONDS, KeyHealth
from engine.routing.plan import Standing
from engine.routing.provider_health import Condition, ProviderHealth, State
from engine.routing.track_record import TrackRecord

__all__ = ["Denial", "Health", "HealthPolicy", "LimitFact", "Permit", "ProviderState", "State"]

MODEL_GONE_SECONDS = 3600.0
JITTER = 0.1
_MOST_OFFERS = 4096  # tenants may name what they like


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """When a provider rests, and how long its words are waited for: [health] in farthing.toml."""

    failures_to_open: int = 5
    rest_seconds: float = 60
    first_token_seconds: float = 20
    idle_seconds: float = 30


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to try: under which key, since when. `probe` when it is the one try of a half-open breaker."""

    offer: Offer
    key: int
    probe: bool = False
    began_at: float = 0.0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Denial:
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
            name: ProviderHealth(
                [KeyHealth() for _ in range(keys)], Breaker(policy.failures_to_open, policy.rest_seconds), now
            )
            for name, keys in providers.items()
        }
        self._policy = policy
        self._tracks: dict[Offer, TrackRecord] = {}
        self._gone: dict[Offer, float] = {}
        self._permits = 0

    def admit(self, offer: Offer, tokens: int = 0, *, repeat: bool = False) -> Permit | Denial:
        """Permission to try `offer` now, under one of its keys in turn; a half-open breaker lets one try through.

        A learned limit is no refusal: the planner puts who is at it behind all others. `tokens`: what the try is
        expected to take of a budget that the provider told. `repeat`: this provider has failed this prompt before.
        """
        now = self._clock.monotonic()
        refusal = self._refusal(offer, now)
        if refusal is not None:
            return refusal
        vitals = self._providers[offer.provider]
        if repeat and not vitals.budget.spend(now):
            return Denial("its retry budget is used up", 1.0)
        if not repeat:
            vitals.budget.tried(now)
        number = vitals.next_key(now, tokens)
        vitals.keys[number].use(now, tokens)
        self._permits += 1
        vitals.waiting.begin(self._permits, now)
        vitals.breaker.probing = vitals.breaker.is_open
        return Permit(offer, number, vitals.breaker.is_open, now, self._permits)

    def standing(self, offer: Offer) -> Standing:
        """For the planner: nothing is reserved. An offer not tried yet stands as its provider does."""
        now, vitals = self._clock.monotonic(), self._providers.get(offer.provider)
        clear = vitals is not None and not self._gone and vitals.is_clear(now)
        if vitals is None or not clear:
            refusal = self._refusal(offer, now)
            if refusal is not None or vitals is None:
                return Standing(refusal.reason if refusal else "not configured")
        track = self._tracks.get(offer) or vitals.track
        odds, delay_seconds = track.odds(now), track.loss_seconds
        if silent := vitals.silent(now):
            odds, delay_seconds = max(odds, silent / (silent + 1)), self._policy.first_token_seconds
        crowded_seconds = 0.0 if clear else vitals.crowded_seconds(now)
        return Standing("", odds, delay_seconds, track.latency_seconds, crowded_seconds, vitals.left_tokens(now))

    def spoke(self, permit: Permit) -> None:
        """The first word of a try has come."""
        self._providers[permit.offer.provider].waiting.spoke(permit.number)

    def succeeded(self, permit: Permit, first_token_ms: int | None, limits: LimitHeaders | None = None) -> None:
        vitals, now = self._providers[permit.offer.provider], self._clock.monotonic()
        vitals.waiting.spoke(permit.number)
        vitals.breaker.succeeded(now, probe=permit.probe)
        for track in (vitals.track, self._track(permit.offer)):
            track.succeeded(now, first_token_ms)
        if permit.probe:
            self._forgive(permit.offer.provider, now)
        key = vitals.keys[permit.key]
        key.succeeded(now, permit.began_at)
        if limits is not None:
            key.heed(now, limits)
        self._look(vitals, now)

    def failed(self, permit: Permit, error: ProviderError) -> None:
        """Only what `counts` is the provider's failure; a probe that ends otherwise leaves its place to the next."""
        vitals, now = self._providers[permit.offer.provider], self._clock.monotonic()
        vitals.waiting.end(permit.number)
        key = vitals.keys[permit.key]
        if error.counts:
            self._count(vitals, permit, error, now)
        elif permit.probe:
            vitals.breaker.release()
        if isinstance(error, RateLimited):
            jitter = 1 + JITTER * self._chance()
            key.limited(now, permit.began_at, error.retry_after_seconds, jitter=jitter, per_day=error.per_day)
        elif isinstance(error, KeyRefused | BalanceGone):
            key.refused(now, error.outcome.replace("_", " "))
        elif isinstance(error, NoSuchModel):
            self._gone = {offer: until for offer, until in self._gone.items() if until > now}
            self._gone[permit.offer] = now + MODEL_GONE_SECONDS
        self._look(vitals, now)

    def abandoned(self, permit: Permit) -> None:
        """The reader left: nothing is learned, and a probe's place is free again."""
        vitals = self._providers[permit.offer.provider]
        vitals.waiting.end(permit.number)
        if permit.probe:
            vitals.breaker.release()

    def drain(self, name: str) -> None:
        self._providers[name].drained = True
        self._look(self._providers[name], self._clock.monotonic())

    def resume(self, name: str) -> None:
        """Back into service, with every rest forgotten."""
        self._providers[name].drained = False
        self.mend(name)

    def mend(self, name: str, key: int | None = None) -> None:
        """The operator mended it, or a probe found it well: all of it, or one key."""
        vitals = self._providers[name]
        if key is None:
            vitals.breaker.close()
            self._forgive(name, self._clock.monotonic())
        for each in vitals.keys if key is None else (vitals.keys[key],):
            each.mend()
        self._look(vitals, self._clock.monotonic())

    def due_probes(self) -> tuple[str, ...]:
        """Providers whose rest is over and that no traffic has tried since; and those with no key left in service."""
        now = self._clock.monotonic()
        return tuple(name for name, vitals in self._providers.items() if vitals.keys and vitals.is_due(now))

    def needs_mending(self, name: str) -> bool:
        """True when every key was refused or is out of money."""
        return self._providers[name].is_locked_out

    def refused_keys(self) -> tuple[tuple[str, int], ...]:
        """Single keys out of service while others of their provider serve: (provider, key), for a free probe."""
        return tuple(
            (name, number)
            for name, vitals in self._providers.items()
            if not vitals.drained and not vitals.is_locked_out
            for number, key in enumerate(vitals.keys)
            if key.needs_mending
        )

    def smallest_rest_seconds(self) -> float:
        """When somebody may next be asked."""
        waits = [state.seconds for state in self.states() if state.seconds > 0 and state.state is not State.DRAINED]
        return min(waits, default=self._policy.rest_seconds)

    def states(self) -> tuple[ProviderState, ...]:
        return tuple(self.state(name) for name in self._providers)

    def state(self, name: str) -> ProviderState:
        vitals, now = self._providers[name], self._clock.monotonic()
        look = self._look(vitals, now) if vitals.keys else Condition(State.CLOSED)
        reason = look.reason or vitals.crowding(now)
        limits = [key.limit.per_minute for key in vitals.keys if key.limit.per_minute is not None]
        return ProviderState(
            name,
            look.state,
            vitals.since,
            reason,
            look.seconds,
            vitals.track.p50_first_token_ms,
            sum(limits) if limits else None,
            vitals.breaker.failures,
            vitals.track.odds(now),
        )

    def limit_facts(self) -> tuple[LimitFact, ...]:
        """Limits that fell; each is handed out once, when a minute without a 429 has shown where it lies."""
        now = self._clock.monotonic()
        return tuple(
            LimitFact(name, fall.now_per_minute, fall.before_per_minute, self._clock.now())
            for name, vitals in self._providers.items()
            for key in vitals.keys
            if (fall := key.limit.take_fall(now)) is not None
        )

    def _refusal(self, offer: Offer, now: float) -> Denial | None:
        vitals = self._providers.get(offer.provider)
        if vitals is None or not vitals.keys:
            return Denial("not configured", LONGEST_REST_SECONDS)
        gone_seconds = self._gone.get(offer, 0.0) - now if self._gone else 0.0
        if gone_seconds > 0:
            return Denial("the provider has no such model", gone_seconds)
        look = self._look(vitals, now)
        return Denial(look.reason, look.seconds) if look.seconds > 0 else None

    def _look(self, vitals: ProviderHealth, now: float) -> Condition:
        """Its state now; a change is noted when it is first seen."""
        found = vitals.look(now)
        if found.state is not vitals.seen:
            vitals.seen, vitals.since = found.state, self._clock.now()
        return found

    def _count(self, vitals: ProviderHealth, permit: Permit, error: ProviderError, now: float) -> None:
        vitals.last_error = error.outcome
        vitals.breaker.failed(now, probe=permit.probe)
        for track in (vitals.track, self._track(permit.offer)):
            track.failed(now, now - permit.began_at)

    def _forgive(self, name: str, now: float) -> None:
        tracks = [track for offer, track in self._tracks.items() if offer.provider == name]
        for track in (self._providers[name].track, *tracks):
            track.forgive(now)

    def _track(self, offer: Offer) -> TrackRecord:
        if len(self._tracks) > _MOST_OFFERS:
            self._tracks.clear()
        return self._tracks.setdefault(offer, TrackRecord())
