"""Limit: the requests a minute that a provider was found to bear; Told: what it says is left. `now` is passed in."""

from collections import deque
from dataclasses import dataclass, field
from itertools import takewhile
from math import inf

WINDOW_SECONDS = 60.0
SLACK_SECONDS = 0.25  # their minute and ours are not quite the same
NOTABLE = 0.9  # their minute and ours differ by a request or two: that is no fall
LEAST_SEEN = 5  # fewer requests in a minute say nothing of a rate
QUIET_SECONDS, LONGEST_QUIET_SECONDS = 60.0, 75.0


@dataclass(frozen=True, slots=True)
class LimitDrop:
    """A limit that fell: what was taken in a minute when it began to refuse, and what it took before."""

    now_per_minute: int
    before_per_minute: int


@dataclass(slots=True)
class LearnedLimit:
    """Cut at once to what was taken in the minute before a refusal; raised by one try after a quiet while.

    If that try is taken, twice as many more may follow it: a limit that is gone is found to be gone within a minute.
    If it is refused, the next one waits longer: a limit that stands costs few refusals.
    """

    per_minute: int | None = None
    _taken: deque[float] = field(default_factory=deque)
    _most_per_minute: int = 0
    _extra: int = 0
    _raise_at: float = 0.0
    _quiet_seconds: float = QUIET_SECONDS
    _refused_at: float = 0.0
    _fall: LimitDrop | None = None

    def use(self, now: float) -> None:
        """A try begins."""
        self._taken.append(now)

    def wait_seconds(self, now: float) -> float:
        """Until one more may be tried; 0 while it is under its limit."""
        if self.per_minute is None:
            return 0.0
        if not self._extra and now >= self._raise_at:
            self._extra = 1
        over = self._rate(now) - self.per_minute - self._extra
        return self._taken[over] + WINDOW_SECONDS + SLACK_SECONDS - now if over >= 0 else 0.0

    def took(self, now: float) -> None:
        """A try was taken."""
        rate = self._rate(now)
        self._most_per_minute = max(self._most_per_minute, rate)
        if self.per_minute is not None and rate > self.per_minute:
            self.per_minute = rate
            self._extra = min(self._extra * 2, rate) if self._extra else 0
            self._quiet_seconds = QUIET_SECONDS

    def refused(self, now: float, began_at: float) -> None:
        """A 429 for the try that began then: those before it were taken, and that is the limit."""
        taken = self._taken_until(now, began_at)
        self._refused_at = now
        if taken < LEAST_SEEN:
            return
        if self._extra or self.per_minute is None:
            self._put_off_raising(now)
        self._learn(taken)

    def take_fall(self, now: float) -> LimitDrop | None:
        """Once, and not before a minute without a refusal: until then the limit is still being found."""
        if self._fall is None or now < self._refused_at + WINDOW_SECONDS:
            return None
        fall, self._fall = self._fall, None
        return fall if fall.now_per_minute < NOTABLE * fall.before_per_minute else None

    def _learn(self, taken: int) -> None:
        limit = taken if self.per_minute is None else min(taken, self.per_minute)
        before = max(self._most_per_minute, self._fall.before_per_minute if self._fall else 0)
        if before > limit:
            self._fall = LimitDrop(limit, before)
        self._most_per_minute = self.per_minute = limit

    def _put_off_raising(self, now: float) -> None:
        self._extra, self._raise_at = 0, now + self._quiet_seconds
        self._quiet_seconds = min(LONGEST_QUIET_SECONDS, self._quiet_seconds * 2)

    def _taken_until(self, now: float, began_at: float) -> int:
        """How many of the minute before `began_at` were let in; the refused one is no longer among them."""
        if began_at in self._taken:
            self._taken.remove(began_at)
        self._rate(now)
        return sum(1 for _ in takewhile(lambda moment: moment <= began_at, self._taken))

    def _rate(self, now: float) -> int:
        while self._taken and self._taken[0] <= now - WINDOW_SECONDS:
            self._taken.popleft()
        return len(self._taken)


@dataclass(slots=True)
class ReportedQuota:
    """What a provider says is left until its window begins anew; each try takes from it until it says so again."""

    left: int | None = None
    until: float = 0.0

    def hear(self, now: float, left: int | None, reset_seconds: float | None) -> None:
        if left is not None and reset_seconds:
            self.left, self.until = left, now + reset_seconds

    def use(self, amount: int) -> None:
        if self.left is not None:
            self.left -= amount

    def wait_seconds(self, now: float) -> float:
        """Until there is something left; 0 when there is, or when nothing is known."""
        return self.until - now if self.left_now(now) < 1 else 0.0

    def left_now(self, now: float) -> float:
        """Infinite when nothing is known."""
        return inf if self.left is None or now >= self.until else self.left
