"""Key: one key at a provider, its rests and the rate that it has been found to bear; `now` is passed in."""

from collections import deque
from dataclasses import dataclass, field
from math import isfinite

from engine.ports import LimitHeaders

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 5.0, 600.0
WINDOW_SECONDS = 60.0
LEARNED_SHARE = 0.8
LEAST_SEEN = 5  # fewer requests in a minute say nothing of a rate


@dataclass(frozen=True, slots=True)
class Fall:
    """A limit that fell: what was taken in a minute when it began to refuse, and what it took before."""

    now_per_minute: int
    before_per_minute: int


@dataclass(slots=True)
class Key:
    """Whether it may be used, and why not. Limits are cut at once and raised by one a quiet minute."""

    limit: int | None = None
    _rests_until: float = 0.0
    _rests_for: str = ""
    _refused_at: float | None = None
    _next_rest_seconds: float = FIRST_REST_SECONDS
    _sent: deque[float] = field(default_factory=deque)
    _most_per_minute: int = 0
    _grows_at: float = 0.0
    _limited_at: float = 0.0
    _fall: Fall | None = None

    @property
    def needs_mending(self) -> bool:
        """True when it was refused, or is out of money: nothing but its owner's hand, or a probe, brings it back."""
        return self._refused_at is not None

    def wait_seconds(self, now: float) -> float:
        """0 when it may be used."""
        if self.needs_mending:
            return LONGEST_REST_SECONDS
        return max(0.0, self._rests_until - now) or self._crowded_seconds(now)

    def reason(self, now: float) -> str:
        """Why it has to wait."""
        if self.needs_mending or self._rests_until > now:
            return self._rests_for
        return f"at its learned limit of {self.limit}/min"

    def use(self, now: float) -> None:
        self._sent.append(now)

    def succeeded(self, now: float, began_at: float) -> None:
        """An answer begun before the key was refused says nothing of it."""
        self._next_rest_seconds = FIRST_REST_SECONDS
        self._most_per_minute = max(self._most_per_minute, self._rate(now))
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
        self._limited_at = now
        if began_at in self._sent:
            self._sent.remove(began_at)  # it was not taken
        taken = self._rate(now)
        if taken >= LEAST_SEEN:
            self._learn(now, taken)

    def heed(self, now: float, limits: LimitHeaders) -> None:
        """A provider that says it has nothing left isn't asked until it has."""
        pairs = (
            (limits.requests_left, limits.requests_reset_seconds),
            (limits.tokens_left, limits.tokens_reset_seconds),
        )
        for left, reset_seconds in pairs:
            if left is not None and left <= 0 and reset_seconds:
                self._rests_until = max(self._rests_until, now + reset_seconds)
                self._rests_for = "its limit is used up"

    def take_fall(self, now: float) -> Fall | None:
        """Once, and not before a minute without a 429: until then the limit is still being found."""
        if self._fall is None or now < self._limited_at + WINDOW_SECONDS:
            return None
        fall, self._fall = self._fall, None
        return fall

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

    def _learn(self, now: float, taken: int) -> None:
        before = max(self._most_per_minute, self._fall.before_per_minute if self._fall else 0)
        if before > taken:
            self._fall = Fall(taken, before)
        self._most_per_minute = taken
        self.limit, self._grows_at = max(1, int(taken * LEARNED_SHARE)), now + WINDOW_SECONDS

    def _crowded_seconds(self, now: float) -> float:
        """Until enough of the last minute's requests are a minute old; 0 while it is under its limit."""
        if self.limit is None:
            return 0.0
        if now >= self._grows_at:
            minutes = int((now - self._grows_at) // WINDOW_SECONDS) + 1
            self.limit += minutes
            self._grows_at += minutes * WINDOW_SECONDS
        over = self._rate(now) - self.limit
        return self._sent[over] + WINDOW_SECONDS - now if over >= 0 else 0.0

    def _rate(self, now: float) -> int:
        while self._sent and self._sent[0] <= now - WINDOW_SECONDS:
            self._sent.popleft()
        return len(self._sent)
