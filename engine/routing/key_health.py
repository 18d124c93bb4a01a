"""Key: one key at a provider: its rests, what it is told to be left, and the rate that it bears; `now` is passed in."""

from dataclasses import dataclass, field
from math import isfinite

from engine.ports import LimitHeaders
from engine.routing.rate_limit import LearnedLimit, ReportedQuota

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 5.0, 600.0


@dataclass(slots=True)
class KeyHealth:
    """Whether it may be used, and why not."""

    limit: LearnedLimit = field(default_factory=LearnedLimit)
    requests: ReportedQuota = field(default_factory=ReportedQuota)
    tokens: ReportedQuota = field(default_factory=ReportedQuota)
    _rests_until: float = 0.0
    _rests_for: str = ""
    _refused_at: float | None = None
    _next_rest_seconds: float = FIRST_REST_SECONDS

    @property
    def needs_mending(self) -> bool:
        """True when it was refused, or is out of money: nothing but its owner's hand, or a probe, brings it back."""
        return self._refused_at is not None

    def is_clear(self, now: float) -> bool:
        """True when nothing at all speaks against it: the usual case, asked for at each quote."""
        return (
            self._refused_at is None
            and self._rests_until <= now
            and (self.requests.left is None or self.requests.left > 0)
            and (self.tokens.left is None or self.tokens.left > 0)
            and self.limit.per_minute is None
        )

    def wait_seconds(self, now: float) -> float:
        """0 when it may be used. What it only learned to stay under is not in it: see `crowded_seconds`."""
        if self.needs_mending:
            return LONGEST_REST_SECONDS
        return max(0.0, self._rests_until - now, self.requests.wait_seconds(now), self.tokens.wait_seconds(now))

    def crowded_seconds(self, now: float) -> float:
        """Until it is under its learned limit again; 0 while it is."""
        return self.limit.wait_seconds(now)

    def reason(self, now: float) -> str:
        """Why it has to wait."""
        if self.needs_mending or self._rests_until > now:
            return self._rests_for
        return "its limit is used up"

    def use(self, now: float, tokens: int = 0) -> None:
        self.limit.use(now)
        self.requests.use(1)
        self.tokens.use(tokens)

    def succeeded(self, now: float, began_at: float) -> None:
        """An answer begun before the key was refused says nothing of it."""
        self._next_rest_seconds = FIRST_REST_SECONDS
        self.limit.took(now)
        if self._refused_at is not None and began_at > self._refused_at:
            self._refused_at = None

    def refused(self, now: float, reason: str) -> None:
        self._refused_at, self._rests_for = now, reason

    def mend(self) -> None:
        self._refused_at, self._rests_until = None, 0.0

    def limited(self, now: float, began_at: float, told_seconds: float | None, *, jitter: float, per_day: bool) -> None:
        """A 429: rest as told, else 5 s, doubling; and stay under the rate that was just too much."""
        seconds = self._rest_seconds(now, told_seconds, per_day=per_day) * jitter
        self._rests_until = max(self._rests_until, now + seconds)
        self._rests_for = "rate limited (429)"
        if not per_day:
            self.limit.refused(now, began_at)

    def heed(self, now: float, limits: LimitHeaders) -> None:
        """A provider that says it has nothing left isn't asked until it has."""
        self.requests.hear(now, limits.requests_left, limits.requests_reset_seconds)
        self.tokens.hear(now, limits.tokens_left, limits.tokens_reset_seconds)

    def _rest_seconds(self, now: float, told_seconds: float | None, *, per_day: bool) -> float:
        if told_seconds is not None and isfinite(told_seconds):
            return max(0.0, told_seconds)
        if per_day:
            return LONGEST_REST_SECONDS
        if self._rests_until > now:
            return 0.0  # one of those that were in flight: the rest has begun
        seconds = self._next_rest_seconds
        self._next_rest_seconds = min(LONGEST_REST_SECONDS, seconds * 2)
        return seconds
