"""Breaker: counts failures, opens, rests, and then lets one try through at a time; `now` is passed in."""

import math
from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS, WINDOW_LEAST = 60.0, 20
RATE_TO_OPEN = 0.5
CHANCE_TO_OPEN = 1e-5  # a run of failures that is less likely than this, by the minute before it, is an outage


@dataclass(slots=True)
class Breaker:
    """Opens after so many failures in a row, or when half of a busy minute's tries failed.

    A provider that was seen to be flaky for a while fails so often in a row by chance alone: there the run that
    opens it is as much longer as makes chance unlikely.
    """

    failures_to_open: int
    rest_seconds: float
    failures: int = 0
    probing: bool = False
    _opened_until: float | None = None
    _outcomes: deque[tuple[float, bool]] = field(default_factory=deque)

    @property
    def is_open(self) -> bool:
        """Also while it is half-open."""
        return self._opened_until is not None

    def left_seconds(self, now: float) -> float:
        """Until it may be probed; 0 when it is closed or half-open."""
        return 0.0 if self._opened_until is None else max(0.0, self._opened_until - now)

    def succeeded(self, now: float, *, probe: bool) -> None:
        """An open one is closed by its probe alone: an answer begun before the outage says nothing of now."""
        self._note(now, failed=False)
        if probe:
            self.close()
        elif not self.is_open:
            self.failures = 0

    def failed(self, now: float, *, probe: bool) -> None:
        """A failed probe means another rest; tries still in flight when it opened don't make its rest longer."""
        self._note(now, failed=True)
        self.failures += 1
        if probe:
            self.probing = False
        if probe if self.is_open else self._is_bad():
            self._opened_until = now + self.rest_seconds

    def release(self) -> None:
        """The probe ended without saying anything: its place is free again."""
        self.probing = False

    def close(self) -> None:
        self._opened_until, self.probing, self.failures = None, False, 0
        self._outcomes.clear()

    def _is_bad(self) -> bool:
        tries, bad = len(self._outcomes), sum(failed for _, failed in self._outcomes)
        if self.failures >= self.failures_to_open and self.failures >= self._unlikely_run(tries, bad):
            return True
        return tries >= WINDOW_LEAST and bad >= RATE_TO_OPEN * tries

    def _unlikely_run(self, tries: int, bad: int) -> float:
        """How many failures in a row chance does not explain, given the minute before the run."""
        before, bad_before = tries - self.failures, bad - self.failures
        if before < WINDOW_LEAST or bad_before <= 0:
            return 0
        return math.log(CHANCE_TO_OPEN) / math.log(min(bad_before / before, 0.99))

    def _note(self, now: float, *, failed: bool) -> None:
        self._outcomes.append((now, failed))
        while self._outcomes[0][0] <= now - WINDOW_SECONDS:
            self._outcomes.popleft()
