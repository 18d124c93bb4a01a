"""The health of one provider: state, breaker, keys, offers, track record, retry budget.

`now` is monotonic seconds, passed in.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import ceil, inf

from engine.ports import Clock
from engine.routing.breaker import Breaker
from engine.routing.key_health import LONGEST_REST_SECONDS, KeyHealth
from engine.routing.offer_health import OfferHealth, TrackRecord
from engine.routing.permits import OfferStatus, RetryBudget

PROBE_UNDER_WAY_SECONDS = 1.0
SHARED_SECONDS = 60.0  # two offers that open within this time have a common cause


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    RESTING = "resting"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True)
class Availability:
    """A provider's state now. `seconds`: time until it may be asked; 0 = now."""

    state: State
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LimitFact:
    """A rate limit that fell: requests of a model accepted per minute now, and before."""

    provider: str
    model: str
    now_per_minute: int
    before_per_minute: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A provider's health for display.

    `since`: when the state was first read; `seconds`: until it may be asked, 0 = now.
    """

    name: str
    state: State
    since: datetime
    reason: str
    seconds: float
    p50_first_token_ms: int | None
    requests_per_minute: int | None
    failures: int
    failure_chance: float


class Status(StrEnum):
    """A provider's state in the terms of its users: whether prompts are answered there now."""

    ANSWERING = "answering"
    FAILING = "failing"
    RESTING = "resting"
    DRAINED = "drained"
    NO_KEY = "no_key"


@dataclass(frozen=True, slots=True)
class OfferState:
    """An offer's health for display. `until`: the end of its rest; None without a rest or a known end."""

    model: str
    state: State
    status: Status
    until: datetime | None = None


_CLOSED, _HALF_OPEN = Availability(State.CLOSED), Availability(State.HALF_OPEN)


@dataclass(slots=True)
class ProviderHealth:
    """The facts that all offers of a provider share. `seen`: the state when it was last read; `since`: its start.

    The breaker opens on failures of the connection, and when two offers open within a minute. `calm`: the statuses of
    offers without restriction or waiting attempt; each report about the provider clears them.
    """

    keys: Sequence[KeyHealth]
    breaker: Breaker
    since: datetime
    seen: State = State.CLOSED
    drained: bool = False
    last_error: str = ""
    track: TrackRecord = field(default_factory=TrackRecord)
    budget: RetryBudget = field(default_factory=RetryBudget)
    offers: dict[str, OfferHealth] = field(default_factory=dict)
    calm: dict[str, OfferStatus] = field(default_factory=dict)
    _opened: dict[str, float] = field(default_factory=dict)
    _next_key: int = 0

    @property
    def is_locked_out(self) -> bool:
        """True when every key was refused or has no balance."""
        return bool(self.keys) and all(key.is_out_of_service for key in self.keys)

    def availability(self, now: float, model: str | None = None) -> Availability:
        """Return whether `model` may be asked; for None, whether any offer may be asked."""
        if self.drained:
            return Availability(State.DRAINED, "drained by an operator", LONGEST_REST_SECONDS)
        own, offer = self._breaker_state(now, model), None if model is None else self.offers.get(model)
        if offer is not None and (gone := offer.gone_until - now) > 0:
            return Availability(State.RESTING, "the provider has no such model", gone)
        if own.state is State.OPEN:
            return own
        if not self.keys:
            return own
        key = self.keys[0] if len(self.keys) == 1 else min(self.keys, key=lambda each: each.wait_seconds(now, model))
        if (wait := key.wait_seconds(now, model)) > 0:
            until = "until restored" if key.is_out_of_service else f"{ceil(wait)} s left"
            return Availability(State.RESTING, f"{key.reason(now, model)}, {until}", wait)
        return own

    def read(self, clock: Clock) -> Availability:
        """Return whether any offer may be asked now. `since` is the time of the first read after a change."""
        self.calm.clear()
        found = self.availability(clock.monotonic())
        if found.state is not self.seen:
            self.seen, self.since = found.state, clock.now()
        return found

    def answered(self, clock: Clock, now: float, model: str) -> None:
        """Note an answer of `model`. The state is read only if something restricts it: otherwise it can't change."""
        self.calm.clear()
        if not self.is_unrestricted(now, model):
            self.read(clock)

    def _breaker_state(self, now: float, model: str | None) -> Availability:
        """Return the worse state of the provider's breaker and the offer's; for None, that of the healthiest offer."""
        own = _state_of(self.breaker, self.last_error, now)
        if model is not None:
            offer = self.offers.get(model)
            return own if offer is None else max(own, _state_of(offer.breaker, offer.last_error, now), key=_badness)
        if any(not offer.breaker.is_open for offer in self.offers.values()) or not self.offers:
            return own
        states = (_state_of(offer.breaker, offer.last_error, now) for offer in self.offers.values())
        return max(own, min(states, key=_badness), key=_badness)

    def is_unrestricted(self, now: float, model: str) -> bool:
        """True if the provider has one API key without any restriction: a fast path for the usual case."""
        if self.drained or self.breaker.is_open or self.seen is not State.CLOSED or len(self.keys) != 1:
            return False
        offer = self.offers.get(model)
        if offer is not None and (offer.breaker.is_open or offer.gone_until > now):
            return False
        return self.keys[0].is_unrestricted(now, model)

    def next_key(self, now: float, model: str, tokens: int = 0, preferred: Collection[int] = ()) -> int:
        """Return the next key in turn.

        Usable keys first: the preferred, then by quota for `tokens`, then those below their limit or due to exceed it.
        """
        if len(self.keys) == 1:
            return 0

        def preference(number: int) -> tuple[bool, bool, bool, bool, float]:
            key = self.keys[number]
            budget, is_other = key.budget(model), bool(preferred) and number not in preferred
            lacks_tokens, over_seconds = budget.remaining_tokens(now) < tokens, budget.limit.wait_seconds(now)
            is_refused = over_seconds > 0 and budget.limit.trial_wait_seconds(now) > 0
            return key.wait_seconds(now, model) > 0, is_other, lacks_tokens, is_refused, over_seconds

        total = len(self.keys)
        number = min(((self._next_key + step) % total for step in range(total)), key=preference)
        self._next_key = (number + 1) % total
        return number

    def over_limit_seconds(self, now: float, model: str) -> float:
        """Return the seconds until a usable key is below the learned limit of `model`; 0 if one is now."""
        return min(
            (each.over_limit_seconds(now, model) for each in self.keys if each.wait_seconds(now, model) <= 0),
            default=0.0,
        )

    def trial_wait_seconds(self, now: float, model: str) -> float:
        """Return the seconds until an attempt over the learned limit of `model` is due under a usable key."""
        usable = (key for key in self.keys if key.wait_seconds(now, model) <= 0)
        return min((key.budget(model).limit.trial_wait_seconds(now) for key in usable), default=inf)

    def may_test_limit(self, now: float, model: str) -> bool:
        """Return whether a test of the learned limit of `model` is due under a usable key if the next offer is dear."""
        usable = (key for key in self.keys if key.wait_seconds(now, model) <= 0)
        return any(key.budget(model).limit.may_be_tested(now) for key in usable)

    def limit_of(self, model: str) -> int | None:
        """Return the learned requests per minute of `model` over all keys; None if no limit was learned."""
        known = [each for key in self.keys if (each := key.budget(model).limit.per_minute) is not None]
        return sum(known) if known else None

    def places_of(self, model: str) -> int | None:
        """Return the requests per minute of `model` that are let through over all keys; None if no limit was learned.

        While a limit is being tested, more requests than the learned number are let through, and a place is worth less.
        """
        places = [each for key in self.keys if (each := key.budget(model).limit.places) is not None]
        return sum(places) if places else None

    def over_limit_reason(self, now: float) -> str:
        """Return a sentence if a model is at its learned limit under every usable key, else an empty string."""
        for model in {model for key in self.keys for model in key.budgets}:
            if (seconds := self.over_limit_seconds(now, model)) > 0:
                return f"{model} is at its learned limit of {self.limit_of(model)}/min, {ceil(seconds)} s left"
        return ""

    @property
    def learned_limit(self) -> int | None:
        """The learned requests per minute of all keys together; None if no limit was learned."""
        limits = [key.learned_limit for key in self.keys if key.learned_limit is not None]
        return sum(limits) if limits else None

    def remaining_tokens(self, now: float, model: str) -> float:
        """Return the largest token quota of a usable key; infinite if none is reported."""
        usable = (key for key in self.keys if len(self.keys) == 1 or key.wait_seconds(now, model) <= 0)
        return max((key.budget(model).remaining_tokens(now) for key in usable), default=inf)

    def state(self, name: str, availability: Availability, now: float) -> ProviderState:
        """Return the health for display."""
        shown = availability if self.keys else _CLOSED
        return ProviderState(
            name=name,
            state=shown.state,
            since=self.since,
            reason=shown.reason or self.over_limit_reason(now),
            seconds=shown.seconds,
            p50_first_token_ms=self.track.p50_first_token_ms,
            requests_per_minute=self.learned_limit,
            failures=max((each.breaker.failures for each in self.offers.values()), default=0),
            failure_chance=self.track.failure_chance(now),
        )

    def limit_facts(self, name: str, now: float, at: datetime) -> list[LimitFact]:
        """Return the rate limits that fell, each once."""
        return [
            LimitFact(name, model, drop.now_per_minute, drop.before_per_minute, at)
            for key in self.keys
            for model, budget in key.budgets.items()
            if (drop := budget.limit.take_drop(now)) is not None
        ]

    def offer_opened(self, model: str, now: float) -> None:
        """Record that an offer's breaker has opened. The second one within a minute rests the whole provider."""
        self._opened = {name: at for name, at in self._opened.items() if at > now - SHARED_SECONDS and name != model}
        if self._opened and not self.breaker.is_open:
            self.last_error = self.offers[model].last_error
            self.breaker.open(now)
        self._opened[model] = now


_BADNESS = {State.CLOSED: 0, State.HALF_OPEN: 1, State.RESTING: 2, State.OPEN: 3, State.DRAINED: 4}


def _badness(availability: Availability) -> tuple[int, float]:
    return _BADNESS[availability.state], availability.seconds


def _state_of(breaker: Breaker, last_error: str, now: float) -> Availability:
    if not breaker.is_open:
        return _CLOSED
    wait = breaker.wait_seconds(now)
    if wait > 0:
        return Availability(State.OPEN, f"breaker open after {last_error}, {ceil(wait)} s left", wait)
    if breaker.probing:
        return Availability(State.HALF_OPEN, "one probe is under way", PROBE_UNDER_WAY_SECONDS)
    return _HALF_OPEN
