"""Health: who may be asked now. Breaker per provider, rest per key, limits learned; the clock is passed in."""

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.catalog import Offer
from engine.errors import BalanceGone, KeyRefused, NoSuchModel, ProviderError, RateLimited
from engine.ports import Clock, LimitHeaders
from engine.routing import Standing

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 5.0, 600.0
MODEL_GONE_SECONDS = 3600.0
WINDOW_SECONDS, WINDOW_LEAST = 60.0, 20
RATE_TO_OPEN = 0.5
LEARNED_SHARE = 0.8
FIRST_TOKEN_SAMPLES = 50
ODDS_MEMORY = 0.8  # weight of the past in the decayed chance of failure


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
    """Leave to try: under which key. `probe` when it is the one try of a half-open breaker."""

    offer: Offer
    key: int
    probe: bool = False


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
    """For display. `seconds` until it may be asked again; 0 when it may now."""

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
class _Key:
    """One key of a provider: its rests, and the requests of its last minute."""

    rests_until: float = 0.0
    reason: str = ""
    needs_mending: bool = False
    rest_seconds: float = FIRST_REST_SECONDS
    sent: deque[float] = field(default_factory=deque)
    most_per_minute: int = 0
    limit: int | None = None
    limit_grows_at: float = 0.0

    def rate(self, now: float) -> int:
        while self.sent and self.sent[0] <= now - WINDOW_SECONDS:
            self.sent.popleft()
        return len(self.sent)

    def wait_seconds(self, now: float) -> float:
        """0 when it may be used."""
        if self.needs_mending:
            return LONGEST_REST_SECONDS
        if self.rests_until > now:
            return self.rests_until - now
        if self.limit is not None and self.rate(now) >= self._grown(now):
            return max(0.1, self.sent[0] + WINDOW_SECONDS - now) if self.sent else 0.1
        return 0.0

    def _grown(self, now: float) -> int:
        """One more after each quiet minute: limits are cut at once and raised gently."""
        assert self.limit is not None
        while now >= self.limit_grows_at:
            self.limit += 1
            self.limit_grows_at += WINDOW_SECONDS
        return self.limit


@dataclass(slots=True)
class _Provider:
    keys: list[_Key]
    changed_at: datetime
    failures: int = 0
    opened_until: float = 0.0
    is_open: bool = False
    probing: bool = False
    drained: bool = False
    last_error: str = ""
    turn: int = 0
    odds: float = 0.0
    outcomes: deque[tuple[float, bool]] = field(default_factory=deque)
    first_tokens_ms: deque[int] = field(default_factory=lambda: deque(maxlen=FIRST_TOKEN_SAMPLES))


class Health:
    """Told of every try; asked before each. One per process."""

    def __init__(
        self,
        policy: HealthPolicy,
        clock: Clock,
        providers: Mapping[str, int],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._policy, self._clock, self._chance = policy, clock, chance
        now = clock.now()
        self._providers = {name: _Provider([_Key() for _ in range(keys)], now) for name, keys in providers.items()}
        self._gone: dict[Offer, float] = {}
        self._facts: list[LimitFact] = []

    def admit(self, offer: Offer) -> Permit | Refusal:
        """Leave to try `offer` now, under one of its keys in turn; a half-open breaker lets one try through."""
        refusal = self._refusal(offer)
        if refusal is not None:
            return refusal
        provider, now = self._providers[offer.provider], self._clock.monotonic()
        number = self._next_key(provider, now)
        provider.keys[number].sent.append(now)
        if provider.is_open:
            provider.probing = True
            provider.changed_at = self._clock.now()
        return Permit(offer, number, probe=provider.is_open)

    def standing(self, offer: Offer) -> Standing:
        """For the planner: nothing is reserved."""
        refusal = self._refusal(offer)
        if refusal is not None:
            return Standing(refusal.reason)
        provider = self._providers[offer.provider]
        latency = (_median(provider.first_tokens_ms) or 0) / 1000
        # A failed try costs about as much waiting as a first word usually takes.
        return Standing("", provider.odds, max(1.0, latency), latency)

    def succeeded(self, permit: Permit, first_token_ms: int | None, limits: LimitHeaders | None = None) -> None:
        provider = self._providers[permit.offer.provider]
        key = provider.keys[permit.key]
        self._note(provider, failed=False)
        provider.failures = 0
        if provider.is_open or key.needs_mending:
            provider.changed_at = self._clock.now()
        provider.is_open = provider.probing = False
        key.rest_seconds, key.needs_mending, key.reason = FIRST_REST_SECONDS, False, ""
        key.most_per_minute = max(key.most_per_minute, key.rate(self._clock.monotonic()))
        if first_token_ms is not None:
            provider.first_tokens_ms.append(first_token_ms)
        if limits is not None:
            self._heed(key, limits)

    def failed(self, permit: Permit, error: ProviderError) -> None:
        provider = self._providers[permit.offer.provider]
        if permit.probe:
            provider.probing = False
        if isinstance(error, RateLimited):
            self._limited(permit.offer.provider, provider.keys[permit.key], error)
            if permit.probe:
                self._open(provider)
        elif isinstance(error, KeyRefused | BalanceGone):
            key = provider.keys[permit.key]
            key.needs_mending, key.reason = True, error.outcome.replace("_", " ")
            provider.last_error = error.outcome
            provider.changed_at = self._clock.now()
        elif isinstance(error, NoSuchModel):
            self._gone[permit.offer] = self._clock.monotonic() + MODEL_GONE_SECONDS
        elif error.counts:
            self._failed(provider, error)
        elif permit.probe:
            provider.is_open, provider.failures = False, 0  # it answers, if only to say no

    def abandoned(self, permit: Permit) -> None:
        """The reader left: nothing is learned, and a probe's place is free again."""
        if permit.probe:
            self._providers[permit.offer.provider].probing = False

    def drain(self, name: str) -> None:
        self._set_drained(name, True)

    def resume(self, name: str) -> None:
        """Back into service, with every rest forgotten."""
        self._set_drained(name, False)
        self.mend(name)

    def mend(self, name: str) -> None:
        """The operator mended it, or a probe found it well."""
        provider = self._providers[name]
        provider.is_open = provider.probing = False
        provider.failures = 0
        for key in provider.keys:
            key.needs_mending, key.rests_until, key.reason = False, 0.0, ""
        provider.changed_at = self._clock.now()

    def due_probes(self) -> tuple[str, ...]:
        """Providers whose rest is over and that no traffic has tried since; refused keys are tried again too."""
        now = self._clock.monotonic()
        return tuple(
            name
            for name, provider in self._providers.items()
            if not provider.drained
            and (
                (provider.is_open and not provider.probing and provider.opened_until <= now)
                or (provider.keys and all(key.needs_mending for key in provider.keys))
            )
        )

    def needs_mending(self, name: str) -> bool:
        """True when every key was refused or is out of money."""
        keys = self._providers[name].keys
        return bool(keys) and all(key.needs_mending for key in keys)

    def smallest_rest_seconds(self) -> float:
        """When somebody may next be asked."""
        waits = [state.seconds for state in self.states() if state.seconds > 0 and state.state is not State.DRAINED]
        return min(waits, default=self._policy.rest_seconds)

    def states(self) -> tuple[ProviderState, ...]:
        return tuple(self.state(name) for name in self._providers)

    def state(self, name: str) -> ProviderState:
        provider, now = self._providers[name], self._clock.monotonic()
        state, reason, seconds = self._state(provider, now)
        limits = [key.limit for key in provider.keys if key.limit is not None]
        return ProviderState(
            name,
            state,
            provider.changed_at,
            reason,
            seconds,
            _median(provider.first_tokens_ms),
            sum(limits) if limits else None,
            provider.failures,
            provider.odds,
        )

    def limit_facts(self) -> tuple[LimitFact, ...]:
        """Limits that fell, oldest first; each is handed out once."""
        facts, self._facts = tuple(self._facts), []
        return facts

    def _refusal(self, offer: Offer) -> Refusal | None:
        provider, now = self._providers.get(offer.provider), self._clock.monotonic()
        if provider is None or not provider.keys:
            return Refusal("not configured", LONGEST_REST_SECONDS)
        gone = self._gone.get(offer, 0.0) - now
        if gone > 0:
            return Refusal("the provider has no such model", gone)
        state, reason, seconds = self._state(provider, now)
        if state is State.HALF_OPEN and provider.probing:
            return Refusal("one probe is under way", 1.0)
        return Refusal(reason, seconds) if seconds > 0 else None

    def _state(self, provider: _Provider, now: float) -> tuple[State, str, float]:
        if provider.drained:
            return State.DRAINED, "drained by an operator", LONGEST_REST_SECONDS
        if provider.is_open:
            left = provider.opened_until - now
            if left > 0:
                return State.OPEN, f"breaker open after {provider.last_error}, {left:.0f} s left", left
            return State.HALF_OPEN, "", 0.0
        waits = [key.wait_seconds(now) for key in provider.keys]
        if waits and min(waits) > 0:
            key = provider.keys[waits.index(min(waits))]
            reason = key.reason or f"at its learned limit of {key.limit}/min"
            until = "until mended" if key.needs_mending else f"{min(waits):.0f} s left"
            return State.RESTING, f"{reason}, {until}", min(waits)
        return State.CLOSED, "", 0.0

    def _next_key(self, provider: _Provider, now: float) -> int:
        """In turn, over those that may be used."""
        total = len(provider.keys)
        order = [(provider.turn + step) % total for step in range(total)]
        number = next((n for n in order if provider.keys[n].wait_seconds(now) <= 0), order[0])
        provider.turn = (number + 1) % total
        return number

    def _failed(self, provider: _Provider, error: ProviderError) -> None:
        provider.failures += 1
        provider.last_error = error.outcome
        self._note(provider, failed=True)
        if provider.is_open or provider.failures >= self._policy.failures_to_open or self._rate_is_bad(provider):
            self._open(provider)

    def _open(self, provider: _Provider) -> None:
        if not provider.is_open:
            provider.changed_at = self._clock.now()
        provider.is_open = True
        provider.opened_until = self._clock.monotonic() + self._policy.rest_seconds

    def _rate_is_bad(self, provider: _Provider) -> bool:
        recent = provider.outcomes
        return len(recent) >= WINDOW_LEAST and sum(bad for _, bad in recent) / len(recent) >= RATE_TO_OPEN

    def _note(self, provider: _Provider, *, failed: bool) -> None:
        now = self._clock.monotonic()
        provider.outcomes.append((now, failed))
        while provider.outcomes[0][0] <= now - WINDOW_SECONDS:
            provider.outcomes.popleft()
        provider.odds = provider.odds * ODDS_MEMORY + (1 - ODDS_MEMORY) * failed

    def _limited(self, name: str, key: _Key, error: RateLimited) -> None:
        """Rest as told (else 5 s, doubling), and stay under the rate that was just too much."""
        now = self._clock.monotonic()
        told = error.retry_after_seconds
        seconds = key.rest_seconds if told is None else told
        if told is None:
            key.rest_seconds = min(LONGEST_REST_SECONDS, key.rest_seconds * 2)
        key.rests_until = now + seconds * (1 + 0.1 * self._chance())
        key.reason = "rate limited (429)"
        seen = max(1, key.rate(now) - 1)
        learned = max(1, int(seen * LEARNED_SHARE))
        before = max(key.limit or 0, key.most_per_minute)
        if seen >= 5 and before > seen:  # noqa: PLR2004 - fewer say nothing of a rate
            self._facts.append(LimitFact(name, seen, before, self._clock.now()))
        if seen >= 5:  # noqa: PLR2004
            key.limit, key.limit_grows_at = learned, now + WINDOW_SECONDS
            key.most_per_minute = seen

    def _heed(self, key: _Key, limits: LimitHeaders) -> None:
        """A provider that says it has nothing left is not asked until it has."""
        if limits.requests_left == 0 and limits.requests_reset_seconds:
            key.rests_until = self._clock.monotonic() + limits.requests_reset_seconds
            key.reason = "its limit is used up"

    def _set_drained(self, name: str, drained: bool) -> None:
        provider = self._providers[name]
        if provider.drained != drained:
            provider.drained, provider.changed_at = drained, self._clock.now()


def _median(samples: deque[int]) -> int | None:
    ordered = sorted(samples)
    return ordered[len(ordered) // 2] if ordered else None
