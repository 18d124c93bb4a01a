"""Breaker: counts failures, opens, rests, and then lets one try through at a time; `now` is passed in."""

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS, WINDOW_LEAST = 60.0, 20
RATE_TO_OPEN = 0.8
MOST_USUAL = 0.99
CHANCE_TO_OPEN = 1e-5  # a run of failures that is less likely than this, by the minute before it, is an outage


@dataclass(slots=True)
class Breaker:
    """Opens after so many failures in a row, or when most of a busy minute's tries failed.

    A provider that was seen to be flaky for a while fails so often in a row by chance alone: there the run that
    opens it is as much longer as makes chance unlikely. Whether a flaky one is worth a try is the planner's to weigh.
    """

    failures_to_open: int
    rest_seconds: float
    failures: int = 0
    probing: bool = False
    _opened_until: float | None = None
    _usual: float = 0.0  # the share that failed before the last run of failures
    _usual_at: float = 0.0
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
        if probe if self.is_open else self._is_bad(now):
            self._opened_until = now + self.rest_seconds

    def release(self) -> None:
        """The probe ended without saying anything: its place is free again."""
        self.probing = False

    def close(self) -> None:
        self._opened_until, self.probing, self.failures = None, False, 0
        self._outcomes.clear()

    def _is_bad(self, now: float) -> bool:
        tries, bad = len(self._outcomes), sum(failed for _, failed in self._outcomes)
        if self.failures >= self.failures_to_open and not self._may_be_chance(now):
            return True
        return tries >= WINDOW_LEAST and bad >= RATE_TO_OPEN * tries

    def _may_be_chance(self, now: float) -> bool:
        """True where so many failures in a row are no wonder, by how it did before them; a rest doesn't forget that."""
        before = [failed for _, failed in self._outcomes][: -self.failures]
        if len(before) >= WINDOW_LEAST:
            self._usual, self._usual_at = max(_share(before), _share(before[-WINDOW_LEAST:])), now
        known = now - self._usual_at <= self.rest_seconds + WINDOW_SECONDS
        return known and min(self._usual, MOST_USUAL) ** self.failures > CHANCE_TO_OPEN

    def _note(self, now: float, *, failed: bool) -> None:
        self._outcomes.append((now, failed))
        while self._outcomes[0][0] <= now - WINDOW_SECONDS:
            self._outcomes.popleft()


def _share(failed: list[bool]) -> float:
    return sum(failed) / len(failed)
