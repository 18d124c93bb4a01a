"""Track: how an offer has done lately: its chance of failing, what a failure costs in waiting, and its speed."""

from collections import deque
from dataclasses import dataclass, field

FIRST_TOKEN_SAMPLES = 50
MEMORY = 0.8  # the weight of the past at each try
HALF_LIFE_SECONDS = 300.0  # and without any: an offer that failed is tried again in time
USUAL_LOSS_SECONDS = 1.0


@dataclass(slots=True)
class Track:
    p50_first_token_ms: int | None = None
    loss_seconds: float = USUAL_LOSS_SECONDS
    _odds: float = 0.0
    _at: float = 0.0
    _first_tokens_ms: deque[int] = field(default_factory=lambda: deque(maxlen=FIRST_TOKEN_SAMPLES))

    def odds(self, now: float) -> float:
        """The chance that a try fails, from 0 to 1."""
        return float(self._odds * 0.5 ** (max(0.0, now - self._at) / HALF_LIFE_SECONDS))

    def succeeded(self, now: float, first_token_ms: int | None) -> None:
        self._note(now, failed=False)
        if first_token_ms is not None:
            self._first_tokens_ms.append(first_token_ms)
            ordered = sorted(self._first_tokens_ms)
            self.p50_first_token_ms = ordered[len(ordered) // 2]

    def failed(self, now: float, seconds: float) -> None:
        """`seconds`: how long it took to fail."""
        self._note(now, failed=True)
        self.loss_seconds = MEMORY * self.loss_seconds + (1 - MEMORY) * max(0.0, seconds)

    def _note(self, now: float, *, failed: bool) -> None:
        self._odds, self._at = self.odds(now) * MEMORY + (1 - MEMORY) * failed, now
