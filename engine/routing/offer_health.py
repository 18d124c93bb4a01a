"""The health of one offer: circuit breaker, failure chance, speed. `now` is monotonic seconds, passed in."""

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS, WINDOW_LEAST = 60.0, 20
RATE_TO_OPEN = 0.8
MOST_USUAL = 0.99
CHANCE_TO_OPEN = 1e-5  # a run of failures less likely than this, given the minute before it, is an outage

FIRST_TOKEN_SAMPLES = 50
MEMORY = 0.9  # the weight of the past at each attempt
FAILURE_SECONDS_MEMORY = 0.8  # the weight of the past at each failure
HALF_LIFE_SECONDS = 60.0  # without attempts the failure chance halves, so that an offer is asked again in time
USUAL_FAILURE_SECONDS = 1.0
NEGLIGIBLE_CHANCE = 1e-4
CHANCE_AFTER_RECOVERY = 0.05
LATE_LEAST_SECONDS, LATE_TIMES = 2.0, 4.0
LEAST_SAMPLES = 10


@dataclass(slots=True)
class Breaker:
    """A circuit breaker: opens, rests, then lets one probe through at a time (half-open) until a probe succeeds.

    It opens after `failures_to_open` failures in a row, or when most attempts of a busy minute failed. Where the minute
    before was flaky, a run of failures has to be so long that chance is an unlikely explanation.
    """

    failures_to_open: int
    rest_seconds: float
    failures: int = 0
    probing: bool = False
    _opened_until: float | None = None
    _usual: float = 0.0  # the share of attempts that failed before the last run of failures
    _usual_at: float = 0.0
    _outcomes: deque[tuple[float, bool]] = field(default_factory=deque)

    @property
    def is_open(self) -> bool:
        """True also while half-open."""
        return self._opened_until is not None

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until it may be probed; 0 when closed or half-open."""
        return 0.0 if self._opened_until is None else max(0.0, self._opened_until - now)

    def succeeded(self, now: float, *, probe: bool) -> None:
        """Record a success. Only a probe closes an open breaker: other attempts may have begun before the outage."""
        self._record(now, failed=False)
        if probe:
            self.close()
        elif not self.is_open:
            self.failures = 0

    def failed(self, now: float, *, probe: bool) -> None:
        """Record a failure. A failed probe begins another rest; attempts still in flight do not prolong a rest."""
        self._record(now, failed=True)
        self.failures += 1
        if probe:
            self.probing = False
        if probe if self.is_open else self._is_outage(now):
            self._opened_until = now + self.rest_seconds

    def release_probe(self) -> None:
        """Allow another probe: the last one ended without a result."""
        self.probing = False

    def close(self) -> None:
        self._opened_until, self.probing, self.failures = None, False, 0
        self._outcomes.clear()

    def _is_outage(self, now: float) -> bool:
        if self.failures >= self.failures_to_open and not self._may_be_chance(now):
            return True
        attempts, failed = len(self._outcomes), sum(failed for _, failed in self._outcomes)
        return attempts >= WINDOW_LEAST and failed >= RATE_TO_OPEN * attempts

    def _may_be_chance(self, now: float) -> bool:
        """Return whether so many failures in a row are likely, by the failure rate before them, also before a rest."""
        before = [failed for _, failed in self._outcomes][: -self.failures]
        if len(before) >= WINDOW_LEAST:
            self._usual, self._usual_at = max(_share(before), _share(before[-WINDOW_LEAST:])), now
        is_recent = now - self._usual_at <= self.rest_seconds + WINDOW_SECONDS
        return is_recent and min(self._usual, MOST_USUAL) ** self.failures > CHANCE_TO_OPEN

    def _record(self, now: float, *, failed: bool) -> None:
        self._outcomes.append((now, failed))
        while self._outcomes[0][0] <= now - WINDOW_SECONDS:
            self._outcomes.popleft()


@dataclass(slots=True)
class TrackRecord:
    """The recent chance of failing, the time that a failure takes, and the time to the first token."""

    p50_first_token_ms: int | None = None
    p95_first_token_ms: int | None = None
    failure_seconds: float = USUAL_FAILURE_SECONDS
    _failure_chance: float = 0.0
    _updated_at: float = 0.0
    _first_tokens_ms: deque[int] = field(default_factory=lambda: deque(maxlen=FIRST_TOKEN_SAMPLES))

    def failure_chance(self, now: float) -> float:
        """Return the chance that an attempt fails, from 0 to 1."""
        if self._failure_chance < NEGLIGIBLE_CHANCE:
            return 0.0
        return float(self._failure_chance * 0.5 ** (max(0.0, now - self._updated_at) / HALF_LIFE_SECONDS))

    @property
    def first_token_seconds(self) -> float:
        """The median time to the first token; 0 while unknown."""
        return (self.p50_first_token_ms or 0) / 1000

    @property
    def late_seconds(self) -> float | None:
        """The time to a first token above which it is unusually late; None while too little is known."""
        if self.p95_first_token_ms is None or len(self._first_tokens_ms) < LEAST_SAMPLES:
            return None
        return max(LATE_LEAST_SECONDS, LATE_TIMES * self.p95_first_token_ms / 1000)

    def succeeded(self, now: float, first_token_ms: int | None) -> None:
        self._record(now, failed=False)
        if first_token_ms is not None:
            self._first_tokens_ms.append(first_token_ms)
            ordered = sorted(self._first_tokens_ms)
            self.p50_first_token_ms = ordered[len(ordered) // 2]
            self.p95_first_token_ms = ordered[len(ordered) * 95 // 100]

    def failed(self, now: float, seconds: float) -> None:
        """Record a failure that took `seconds`."""
        self._record(now, failed=True)
        new = max(0.0, seconds)
        self.failure_seconds = FAILURE_SECONDS_MEMORY * self.failure_seconds + (1 - FAILURE_SECONDS_MEMORY) * new

    def recovered(self, now: float) -> None:
        """Reduce the failure chance to a small prior: the outage that it was learned from is over."""
        self._failure_chance, self._updated_at = min(self.failure_chance(now), CHANCE_AFTER_RECOVERY), now

    def _record(self, now: float, *, failed: bool) -> None:
        self._failure_chance = self.failure_chance(now) * MEMORY + (1 - MEMORY) * failed
        self._updated_at = now


@dataclass(slots=True)
class OfferHealth:
    """`track` is None until an attempt has a result. `gone_until`: the provider has no such model until then."""

    track: TrackRecord | None = None
    gone_until: float = 0.0


def _share(failed: list[bool]) -> float:
    return sum(failed) / len(failed)
