"""Vitals: one provider's health: its breaker, its keys, how it has done lately, and who still waits for a word."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import ceil, inf

from engine.routing.breaker import Breaker
from engine.routing.key_health import LONGEST_REST_SECONDS, KeyHealth
from engine.routing.retry_budget import RetryBudget
from engine.routing.track_record import PendingAttempts, TrackRecord

PROBE_UNDER_WAY_SECONDS = 1.0


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    RESTING = "resting"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True)
class Condition:
    """What is seen of a provider now. `seconds` until it may be asked; 0 = now."""

    state: State
    reason: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class ProviderHealth:
    """`since` is when its present state was first seen."""

    keys: Sequence[KeyHealth]
    breaker: Breaker
    since: datetime
    seen: State = State.CLOSED
    drained: bool = False
    last_error: str = ""
    turn: int = 0
    track: TrackRecord = field(default_factory=TrackRecord)
    waiting: PendingAttempts = field(default_factory=PendingAttempts)
    budget: RetryBudget = field(default_factory=RetryBudget)

    @property
    def is_locked_out(self) -> bool:
        """True when every key was refused or is out of money."""
        return bool(self.keys) and all(key.needs_mending for key in self.keys)

    def is_due(self, now: float) -> bool:
        """True when a probe would say something."""
        half_open = self.look(now).state is State.HALF_OPEN and not self.breaker.probing
        return half_open or (self.is_locked_out and not self.drained)

    def is_clear(self, now: float) -> bool:
        """True when nothing at all speaks against asking: then there is nothing more to look at."""
        if self.drained or self.breaker.is_open or self.seen is not State.CLOSED:
            return False
        return len(self.keys) == 1 and self.keys[0].is_clear(now)

    def crowded_seconds(self, now: float) -> float:
        """Until one of the keys that may be used is under its learned limit; 0 while one is."""
        return min((key.crowded_seconds(now) for key in self.keys if key.wait_seconds(now) <= 0), default=0.0)

    def crowding(self, now: float) -> str:
        """That it is at its learned limit, if it is."""
        seconds = self.crowded_seconds(now)
        if seconds <= 0:
            return ""
        limit = sum(key.limit.per_minute or 0 for key in self.keys)
        return f"at its learned limit of {limit}/min, {ceil(seconds)} s left"

    def left_tokens(self, now: float) -> float:
        """The most that one of the keys that may be used was told to be left; infinite where nothing was told."""
        if len(self.keys) == 1:
            return self.keys[0].tokens.left_now(now)
        return max((key.tokens.left_now(now) for key in self.keys if key.wait_seconds(now) <= 0), default=inf)

    def next_key(self, now: float, tokens: int = 0) -> int:
        """In turn, over those that may be used; those under their limits, and with room for `tokens`, first."""

        def stands(number: int) -> tuple[bool, bool, float]:
            key = self.keys[number]
            return key.wait_seconds(now) > 0, key.tokens.left_now(now) < tokens, key.crowded_seconds(now)

        total = len(self.keys)
        number = min(((self.turn + step) % total for step in range(total)), key=stands)
        self.turn = (number + 1) % total
        return number

    def silent(self, now: float) -> int:
        """Tries whose first word is unusually late, with nobody served since: an outage before its first time-out."""
        if not self.waiting:
            return 0
        late_seconds = self.track.late_seconds
        return 0 if late_seconds is None else self.waiting.late(now, late_seconds)

    def look(self, now: float) -> Condition:
        if self.drained:
            return Condition(State.DRAINED, "drained by an operator", LONGEST_REST_SECONDS)
        left = self.breaker.left_seconds(now)
        if left > 0:
            return Condition(State.OPEN, f"breaker open after {self.last_error}, {ceil(left)} s left", left)
        key = self.keys[0] if len(self.keys) == 1 else min(self.keys, key=lambda each: each.wait_seconds(now))
        if (wait := key.wait_seconds(now)) > 0:
            until = "until mended" if key.needs_mending else f"{ceil(wait)} s left"
            return Condition(State.RESTING, f"{key.reason(now)}, {until}", wait)
        if self.breaker.probing:
            return Condition(State.HALF_OPEN, "one probe is under way", PROBE_UNDER_WAY_SECONDS)
        return _HALF_OPEN if self.breaker.is_open else _CLOSED


_CLOSED, _HALF_OPEN = Condition(State.CLOSED), Condition(State.HALF_OPEN)
