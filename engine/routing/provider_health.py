"""The health of one provider: state, breaker, keys, track record, retry budget, pending attempts.

`now` is monotonic seconds, passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import ceil, inf

from engine.routing.key_health import LONGEST_REST_SECONDS, KeyHealth
from engine.routing.offer_health import Breaker, TrackRecord

PROBE_UNDER_WAY_SECONDS = 1.0
RETRY_SHARE = 0.1
RETRIES_PER_SECOND = 1.0
MOST_RETRIES = 10.0  # upper bound of the retries that quiet time saves up


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    RESTING = "resting"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True)
class Availability:
    """A provider's state now. `seconds` until it may be asked; 0 = now."""

    state: State
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LimitFact:
    """A provider answers 429 at `now_per_minute`; it accepted `before_per_minute` before."""

    provider: str
    now_per_minute: int
    before_per_minute: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A provider's health for display. `since` the state was first read; `seconds` until it may be asked, 0 = now."""

    name: str
    state: State
    since: datetime
    reason: str
    seconds: float
    p50_first_token_ms: int | None
    requests_per_minute: int | None
    failures: int
    failure_chance: float


_CLOSED, _HALF_OPEN = Availability(State.CLOSED), Availability(State.HALF_OPEN)


@dataclass(slots=True)
class RetryBudget:
    """Repeats for the same prompt: a tenth of the first attempts, and one a second.

    It keeps an outage from causing a retry storm. First attempts are never limited. (After Finagle's RetryBudget, with
    half of its share.)
    """

    _left: float = MOST_RETRIES
    _updated_at: float = 0.0

    def first_attempt(self, now: float) -> None:
        """Earn a share of a retry."""
        self._left = min(MOST_RETRIES, self._left_at(now) + RETRY_SHARE)

    def spend(self, now: float) -> bool:
        """Take one retry; return False when none is left."""
        left = self._left_at(now)
        self._left = left - 1 if left >= 1 else left
        return left >= 1

    def _left_at(self, now: float) -> float:
        earned = max(0.0, now - self._updated_at) * RETRIES_PER_SECOND
        self._updated_at = now
        return min(MOST_RETRIES, self._left + earned)


@dataclass(slots=True)
class PendingAttempts:
    """Attempts without a first token yet, oldest first."""

    _began_at: dict[int, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._began_at)

    def begin(self, number: int, now: float) -> None:
        self._began_at[number] = now

    def end(self, number: int) -> None:
        self._began_at.pop(number, None)

    def answered(self, number: int) -> None:
        """Remove an attempt that got its first token, and all that began before it: the provider is alive."""
        began_at = self._began_at.pop(number, None)
        if began_at is not None:
            for other in [each for each, at in self._began_at.items() if at <= began_at]:
                del self._began_at[other]

    def late(self, now: float, late_seconds: float) -> int:
        """Return how many have waited for `late_seconds` or longer."""
        count = 0
        for began_at in self._began_at.values():
            if now - began_at < late_seconds:
                break
            count += 1
        return count


@dataclass(slots=True)
class ProviderHealth:
    """`seen` is the state when it was last read, `since` when that state was first read."""

    keys: Sequence[KeyHealth]
    breaker: Breaker
    since: datetime
    seen: State = State.CLOSED
    drained: bool = False
    last_error: str = ""
    track: TrackRecord = field(default_factory=TrackRecord)
    pending: PendingAttempts = field(default_factory=PendingAttempts)
    budget: RetryBudget = field(default_factory=RetryBudget)
    _next_key: int = 0

    @property
    def is_locked_out(self) -> bool:
        """True when every key was refused or has no balance."""
        return bool(self.keys) and all(key.is_out_of_service for key in self.keys)

    def availability(self, now: float) -> Availability:
        if self.drained:
            return Availability(State.DRAINED, "drained by an operator", LONGEST_REST_SECONDS)
        wait = self.breaker.wait_seconds(now)
        if wait > 0:
            return Availability(State.OPEN, f"breaker open after {self.last_error}, {ceil(wait)} s left", wait)
        key = self.keys[0] if len(self.keys) == 1 else min(self.keys, key=lambda each: each.wait_seconds(now))
        if (wait := key.wait_seconds(now)) > 0:
            until = "until restored" if key.is_out_of_service else f"{ceil(wait)} s left"
            return Availability(State.RESTING, f"{key.reason(now)}, {until}", wait)
        if self.breaker.probing:
            return Availability(State.HALF_OPEN, "one probe is under way", PROBE_UNDER_WAY_SECONDS)
        return _HALF_OPEN if self.breaker.is_open else _CLOSED

    def is_unrestricted(self, now: float) -> bool:
        """True when a single key, without any restriction, can be asked: a fast path for the usual case."""
        if self.drained or self.breaker.is_open or self.seen is not State.CLOSED:
            return False
        return len(self.keys) == 1 and self.keys[0].is_unrestricted(now)

    def is_probe_due(self, now: float) -> bool:
        """True when a probe would have a result: half-open without a probe, or without a key in service."""
        half_open = self.availability(now).state is State.HALF_OPEN and not self.breaker.probing
        return half_open or (self.is_locked_out and not self.drained)

    def next_key(self, now: float, tokens: int = 0) -> int:
        """Return the next key in turn. Usable keys come first, then those with quota for `tokens` and under limit."""

        def preference(number: int) -> tuple[bool, bool, float]:
            key = self.keys[number]
            return key.wait_seconds(now) > 0, key.tokens.remaining_at(now) < tokens, key.over_limit_seconds(now)

        total = len(self.keys)
        number = min(((self._next_key + step) % total for step in range(total)), key=preference)
        self._next_key = (number + 1) % total
        return number

    def over_limit_seconds(self, now: float) -> float:
        """Return the seconds until one of the usable keys is under its learned limit; 0 while one is."""
        return min((key.over_limit_seconds(now) for key in self.keys if key.wait_seconds(now) <= 0), default=0.0)

    def over_limit_reason(self, now: float) -> str:
        """Return a sentence where every usable key is at its learned limit, else an empty string."""
        seconds = self.over_limit_seconds(now)
        return f"at its learned limit of {self.learned_limit}/min, {ceil(seconds)} s left" if seconds > 0 else ""

    @property
    def learned_limit(self) -> int | None:
        """The requests per minute of all keys together; None where no limit was learned."""
        limits = [key.limit.per_minute for key in self.keys if key.limit.per_minute is not None]
        return sum(limits) if limits else None

    def remaining_tokens(self, now: float) -> float:
        """Return the largest token quota of a usable key, infinite where none is reported."""
        if len(self.keys) == 1:
            return self.keys[0].tokens.remaining_at(now)
        return max((key.tokens.remaining_at(now) for key in self.keys if key.wait_seconds(now) <= 0), default=inf)

    def late_attempts(self, now: float) -> int:
        """Return how many attempts wait unusually long for a first token: an outage shows there before a timeout."""
        if not self.pending:
            return 0
        late_seconds = self.track.late_seconds
        return 0 if late_seconds is None else self.pending.late(now, late_seconds)
