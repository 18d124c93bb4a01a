"""The requests per minute that a key accepts, learned from 429s. `now` is monotonic seconds, passed in."""

from bisect import bisect_right, insort
from collections import deque
from dataclasses import dataclass, field
from itertools import takewhile

WINDOW_SECONDS = 60.0
SLACK_SECONDS = 0.25  # the provider's minute and ours do not begin together
NOTABLE_SHARE = 0.9  # a smaller drop is within the difference between the two minutes
LEAST_SEEN = 5  # fewer requests in a minute say nothing about a rate
FIRST_RAISE_SECONDS, LONGEST_RAISE_SECONDS = 60.0, 120.0


@dataclass(frozen=True, slots=True)
class LimitDrop:
    """A rate limit that fell: requests accepted in a minute now, and before."""

    now_per_minute: int
    before_per_minute: int


@dataclass(slots=True)
class LearnedLimit:
    """The requests per minute that a key was found to accept.

    A 429 sets the limit to the requests accepted in the minute before it. After a minute without a 429, one request
    more is tried. If it is accepted, twice as many more may follow, so that a limit that no longer exists is raised
    within a minute. If it is refused, the next attempt at raising waits longer, so that a limit that still exists
    costs few refusals. A refused attempt takes a place in its minute too: some providers count both.
    """

    per_minute: int | None = None
    _begun_at: deque[float] = field(default_factory=deque)
    _refused_begun_at: list[float] = field(default_factory=list)
    _most_per_minute: int = 0
    _extra: int = 0
    _raise_at: float = 0.0
    _raise_after_seconds: float = FIRST_RAISE_SECONDS
    _refused_at: float = 0.0
    _drop: LimitDrop | None = None
    _begun_here: int = 0
    _refused_here: int = 0

    def begin(self, now: float) -> None:
        """Count an attempt that begins."""
        self._begun_at.append(now)
        self._begun_here += 1

    def take_counts(self) -> tuple[int, int]:
        """Return the attempts that began and were refused in this process since the last call."""
        counts = self._begun_here, self._refused_here
        self._begun_here = self._refused_here = 0
        return counts

    def count_elsewhere(self, now: float, begun: int, refused: int) -> None:
        """Count attempts of other processes under the same key, so that the limit learned is that of all together."""
        self._begun_at.extend([now] * begun)
        for _ in range(min(refused, begun)):
            insort(self._refused_begun_at, now)

    def adopt(self, now: float, per_minute: int, before_per_minute: int) -> None:
        """Take over the limit that another process has learned; a fall is notable here as it is there."""
        if self.per_minute is None or per_minute < self.per_minute:
            self._extra, self._raise_at, self._refused_at = 0, now + self._raise_after_seconds, now
            self._drop = LimitDrop(per_minute, max(before_per_minute, per_minute))
        self.per_minute, self._most_per_minute = per_minute, max(per_minute, self._most_per_minute)

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until one more attempt is under the limit, 0 if now."""
        if self.per_minute is None:
            return 0.0
        if not self._extra and now >= self._raise_at:
            self._extra = 1
        self._forget_before(now - WINDOW_SECONDS)
        over = len(self._begun_at) - self.per_minute - self._extra
        return self._begun_at[over] + WINDOW_SECONDS + SLACK_SECONDS - now if over >= 0 else 0.0

    def accepted(self, now: float) -> None:
        """Raise the limit where more than it was accepted."""
        rate = self._rate(now)
        self._most_per_minute = max(self._most_per_minute, rate)
        if self.per_minute is not None and rate > self.per_minute:
            self.per_minute = rate
            self._extra = min(self._extra * 2, rate) if self._extra else 0
            self._raise_after_seconds = FIRST_RAISE_SECONDS

    def refused(self, now: float, began_at: float) -> None:
        """Learn from a 429 for the attempt that began at `began_at`: those before it were accepted."""
        accepted = self._accepted_until(now, began_at)
        self._refused_at = now
        self._refused_here += 1
        if accepted < LEAST_SEEN:
            return
        if self._extra or self.per_minute is None:
            self._extra, self._raise_at = 0, now + self._raise_after_seconds
            self._raise_after_seconds = min(LONGEST_RAISE_SECONDS, self._raise_after_seconds * 2)
        self._learn(accepted)

    @property
    def before_per_minute(self) -> int:
        """The requests that were accepted in a minute before the limit fell; the limit where it has not."""
        return self._drop.before_per_minute if self._drop is not None else self.per_minute or 0

    def take_drop(self, now: float) -> LimitDrop | None:
        """Return a notable drop of the limit, once, after a minute without a 429: until then it may fall further."""
        if self._drop is None or now < self._refused_at + WINDOW_SECONDS:
            return None
        drop, self._drop = self._drop, None
        return drop if drop.now_per_minute < NOTABLE_SHARE * drop.before_per_minute else None

    def _learn(self, accepted: int) -> None:
        limit = accepted if self.per_minute is None else min(accepted, self.per_minute)
        if (before := max(self._most_per_minute, self._drop.before_per_minute if self._drop else 0)) > limit:
            self._drop = LimitDrop(limit, before)
        self._most_per_minute = self.per_minute = limit

    def _accepted_until(self, now: float, began_at: float) -> int:
        """Note the refused attempt, and return how many accepted ones of the last minute began by `began_at`."""
        if began_at in self._begun_at:
            insort(self._refused_begun_at, began_at)
        self._forget_before(now - WINDOW_SECONDS)
        begun = takewhile(lambda moment: moment <= began_at, self._begun_at)
        return len(list(begun)) - bisect_right(self._refused_begun_at, began_at)

    def _rate(self, now: float) -> int:
        self._forget_before(now - WINDOW_SECONDS)
        return len(self._begun_at) - len(self._refused_begun_at)

    def _forget_before(self, moment: float) -> None:
        while self._begun_at and self._begun_at[0] <= moment:
            self._begun_at.popleft()
        del self._refused_begun_at[: bisect_right(self._refused_begun_at, moment)]
