"""RetryBudget: how often a provider may be asked again for the same prompt: a tenth of its first tries, and 1 a second.

So an outage never becomes a storm. It bounds repeats only, never the first try at a healthy provider. (Finagle's rule,
with half of its share; the clock is passed in.)
"""

from dataclasses import dataclass

SHARE = 0.1
PER_SECOND = 1.0
MOST = 10.0  # what a quiet while can save up


@dataclass(slots=True)
class RetryBudget:
    _left: float = MOST
    _at: float = 0.0

    def tried(self, now: float) -> None:
        """A first try."""
        self._left = min(MOST, self._now(now) + SHARE)

    def spend(self, now: float) -> bool:
        """Take one repeat; False when none is left."""
        left = self._now(now)
        if left < 1:
            self._left = left
            return False
        self._left = left - 1
        return True

    def _now(self, now: float) -> float:
        earned = max(0.0, now - self._at) * PER_SECOND
        self._at = now
        return min(MOST, self._left + earned)
