"""Track: how an offer has done lately: its chance of failing, what a failure costs, how fast it is, who still waits."""

from collections import deque
from dataclasses import dataclass, field

FIRST_TOKEN_SAMPLES = 50
MEMORY = 0.9  # the weight of the past at each try
LOSS_MEMORY = 0.8  # and at each failure
HALF_LIFE_SECONDS = 60.0  # and without any: an offer that failed is tried again in time
USUAL_LOSS_SECONDS = 1.0
NO_ODDS = 1e-4
DOUBT = 0.05
LATE_LEAST_SECONDS, LATE_TIMES = 2.0, 4.0
LEAST_SAMPLES = 10


@dataclass(slots=True)
class TrackRecord:
    p50_first_token_ms: int | None = None
    p95_first_token_ms: int | None = None
    loss_seconds: float = USUAL_LOSS_SECONDS
    _odds: float = 0.0
    _at: float = 0.0
    _first_tokens_ms: deque[int] = field(default_factory=lambda: deque(maxlen=FIRST_TOKEN_SAMPLES))

    def odds(self, now: float) -> float:
        """The chance that a try fails, from 0 to 1."""
        if self._odds < NO_ODDS:
            return 0.0
        return float(self._odds * 0.5 ** (max(0.0, now - self._at) / HALF_LIFE_SECONDS))

    @property
    def latency_seconds(self) -> float:
        """To the first word, usually; 0 while nothing is known."""
        return (self.p50_first_token_ms or 0) / 1000

    @property
    def late_seconds(self) -> float | None:
        """A first word that takes longer than this is unusual; None while too little is known."""
        if self.p95_first_token_ms is None or len(self._first_tokens_ms) < LEAST_SAMPLES:
            return None
        return max(LATE_LEAST_SECONDS, LATE_TIMES * self.p95_first_token_ms / 1000)

    def succeeded(self, now: float, first_token_ms: int | None) -> None:
        self._note(now, failed=False)
        if first_token_ms is not None:
            self._first_tokens_ms.append(first_token_ms)
            ordered = sorted(self._first_tokens_ms)
            self.p50_first_token_ms = ordered[len(ordered) // 2]
            self.p95_first_token_ms = ordered[len(ordered) * 95 // 100]

    def failed(self, now: float, seconds: float) -> None:
        """`seconds`: how long it took to fail."""
        self._note(now, failed=True)
        self.loss_seconds = LOSS_MEMORY * self.loss_seconds + (1 - LOSS_MEMORY) * max(0.0, seconds)

    def forgive(self, now: float) -> None:
        """It was out and is back: what the outage said of it is over, all but a doubt."""
        self._odds, self._at = min(self.odds(now), DOUBT), now

    def _note(self, now: float, *, failed: bool) -> None:
        self._odds, self._at = self.odds(now) * MEMORY + (1 - MEMORY) * failed, now


@dataclass(slots=True)
class PendingAttempts:
    """Tries that wait for their first word, oldest first: unusual silence says something before it is a failure."""

    _since: dict[int, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._since)

    def begin(self, number: int, now: float) -> None:
        self._since[number] = now

    def end(self, number: int) -> None:
        self._since.pop(number, None)

    def spoke(self, number: int) -> None:
        """A first word came: whoever began before it may still be late, but the provider lives."""
        began = self._since.pop(number, None)
        if began is not None:
            for other in [each for each, since in self._since.items() if since <= began]:
                del self._since[other]

    def late(self, now: float, late_seconds: float) -> int:
        """How many have waited longer than is usual, with nobody served since."""
        count = 0
        for since in self._since.values():
            if now - since < late_seconds:
                break
            count += 1
        return count
