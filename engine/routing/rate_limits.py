"""The rate limits of a key for a model: requests and tokens per minute learned from 429s, and reported quotas.

`now` is monotonic seconds, passed in.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from math import inf

from engine.routing.recent_times import RecentAmounts, RecentTimes

WINDOW_SECONDS = 60.0
SLACK_SECONDS = 0.25  # the provider's minute and ours do not start together
NOTABLE_SHARE = 0.9  # a smaller drop is ignored: it may come from the difference between the two minutes
LEAST_SEEN = 5  # fewer requests in a minute show no rate
ACCEPTED_TO_RAISE = 50  # attempts between a refusal and the next raise, so that few are refused
ACCEPTED_TO_TEST = 25  # the same if the next offer is so dear that a lifted limit is worth finding soon
MISLED = 2  # refusals within a minute of a raise: it was accepted because the provider's minute differs from ours
NEW_RAISE_SECONDS = 10.0  # a limit that was just learned may hold only for a moment
FIRST_TRY_SECONDS, TRY_TIMES = 3.0, 3  # between attempts over the limit, and how these pauses grow
FIRST_RAISE_SECONDS, LONGEST_RAISE_SECONDS, LONGEST_TOKEN_RAISE_SECONDS = 60.0, 120.0, 240.0
FIRST_EXTRA, MOST_EXTRA = 0.1, 1.0  # share of the tokens to exceed a limit by, to test whether it still holds


@dataclass(frozen=True, slots=True)
class LimitDrop:
    """A rate limit that fell: requests accepted in a minute now, and before."""

    now_per_minute: int
    before_per_minute: int


@dataclass(slots=True)
class LearnedLimit:
    """The requests per minute that a key was found to accept.

    A 429 sets the limit to the requests accepted in the minute before it. After ten seconds, and later after a minute
    and 50 accepted requests without a 429, one request more is tried. If it is accepted, twice as many extra requests
    may follow, so that a limit that no longer exists is raised within a minute. If it is refused, the next test comes
    later, so that an existing limit costs few refusals. A refused attempt counts too: some providers count it.
    """

    per_minute: int | None = None
    _begun_at: RecentTimes = field(default_factory=RecentTimes)
    _refused_begun_at: list[float] = field(default_factory=list)
    _most_per_minute: int = 0
    _extra: int = 0
    _raise_at: float = 0.0
    _raise_after_seconds: float = NEW_RAISE_SECONDS
    _refused_at: float = 0.0
    _raised_from: int = 0
    _raised_at: float = -inf
    _refused_since_raise: int = 0
    _accepted: int = ACCEPTED_TO_RAISE
    _over_at: float = inf
    _try_at: float = -inf
    _trial_at: float = -inf
    _try_after_seconds: float = FIRST_TRY_SECONDS
    _drop: LimitDrop | None = None
    _begun_here: int = 0
    _refused_here: int = 0

    def begin(self, now: float) -> None:
        """Count an attempt that begins now."""
        if self.per_minute is not None and self.wait_seconds(now) > 0:
            self._trial_at = now if now >= self._try_at else self._trial_at
            is_first = now > self._try_at + LONGEST_RAISE_SECONDS
            longer_seconds = min(LONGEST_RAISE_SECONDS, TRY_TIMES * self._try_after_seconds)
            self._try_after_seconds = FIRST_TRY_SECONDS if is_first else longer_seconds
            self._try_at, self._over_at = now + self._try_after_seconds, now
        self._begun_at.append(now)
        self._begun_here += 1

    def trial_wait_seconds(self, now: float) -> float:
        """Return the seconds until an attempt over the limit is due, in case that the limit no longer exists; 0 if now.

        The pauses between such attempts grow from 3 s to two minutes, until one is accepted.
        """
        return max(0.0, self._try_at - now)

    def may_be_tested(self, now: float) -> bool:
        """Return whether a test of the limit is due if the next offer is dear."""
        return self._accepted >= ACCEPTED_TO_TEST and now >= self._refused_at + NEW_RAISE_SECONDS

    def take_counts(self) -> tuple[int, int]:
        """Return how many attempts began and how many were refused in this process since the last call."""
        counts = self._begun_here, self._refused_here
        self._begun_here = self._refused_here = 0
        return counts

    def count_elsewhere(self, now: float, begun: int, refused: int) -> None:
        """Count attempts of other processes under the same key, so that the learned limit is that of all together."""
        self._begun_at.extend([now] * begun)
        for _ in range(min(refused, begun)):
            insort(self._refused_begun_at, now)

    def adopt(self, now: float, per_minute: int, before_per_minute: int) -> None:
        """Take over the limit that another process has learned. A drop is reported here as it is there."""
        if self.per_minute is None or per_minute < self.per_minute:
            self._raise_after_seconds = max(FIRST_RAISE_SECONDS, self._raise_after_seconds)
            self._extra, self._raise_at, self._refused_at = 0, now + self._raise_after_seconds, now
            self._drop = LimitDrop(per_minute, max(before_per_minute, per_minute))
        self.per_minute, self._most_per_minute = per_minute, max(per_minute, self._most_per_minute)

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until one more attempt is below the limit, 0 if now."""
        if self.per_minute is None:
            return 0.0
        if not self._extra and now >= self._raise_at and self._accepted >= ACCEPTED_TO_RAISE:
            self._extra = 1
        self._forget_before(now - WINDOW_SECONDS)
        over = len(self._begun_at) - self.per_minute - self._extra
        return self._begun_at[over] + WINDOW_SECONDS + SLACK_SECONDS - now if over >= 0 else 0.0

    def accepted(self, now: float, began_at: float = inf) -> None:
        """Raise the limit if the attempt that began at `began_at` was accepted over it."""
        rate = self._rate(now)
        self._most_per_minute = max(self._most_per_minute, rate)
        self._accepted += 1
        if self.per_minute is None or len(self._begun_at) <= self.per_minute:
            return
        taken = self._begun_until(began_at)
        if taken <= self.per_minute:
            return
        is_trial = self._extra > 0 or began_at >= self._over_at  # else the provider's minute differs from ours
        if now > self._raised_at + WINDOW_SECONDS:
            self._raised_from = self.per_minute
        self._raised_at, self._refused_since_raise = now, 0
        self.per_minute = max(self.per_minute, taken - len(self._refused_begun_at))
        self._extra = min(max(1, self._extra * 2), self.per_minute) if is_trial else 0
        self._raise_after_seconds = FIRST_RAISE_SECONDS
        self._try_after_seconds, self._try_at = FIRST_TRY_SECONDS, -inf

    def is_trial(self, now: float, began_at: float) -> bool:
        """Return whether the attempt that began at `began_at` was meant to test the limit."""
        self._forget_before(now - WINDOW_SECONDS)
        taken = self._begun_until(began_at)
        return self.per_minute is not None and (
            self.per_minute < taken <= self.per_minute + self._extra or began_at == self._trial_at
        )

    def refused(self, now: float, began_at: float) -> None:
        """Learn from a 429 for the attempt that began at `began_at`: the attempts before it were accepted."""
        accepted = self._accepted_until(now, began_at)
        self._refused_at = now
        self._refused_here += 1
        self._accepted, self._over_at = ACCEPTED_TO_RAISE if self.per_minute is None else 0, inf
        if accepted < LEAST_SEEN:
            return
        self._refused_since_raise += 1
        if self._refused_since_raise == MISLED and now <= self._raised_at + WINDOW_SECONDS:
            accepted = min(accepted, max(self._raised_from, (self.per_minute or 0) // 2))
        if self._extra or self.per_minute is None:
            self._extra, self._raise_at = 0, now + self._raise_after_seconds
            self._raise_after_seconds = min(LONGEST_RAISE_SECONDS, self._raise_after_seconds * 2)
        self._learn(accepted)

    @property
    def places(self) -> int | None:
        """The requests per minute that are let through, including those that test whether the limit still holds."""
        return None if self.per_minute is None else self.per_minute + self._extra

    def free_places(self, now: float) -> int:
        """Return how many of the places are free now."""
        self._forget_before(now - WINDOW_SECONDS)
        return max(0, (self.places or 0) - len(self._begun_at))

    @property
    def before_per_minute(self) -> int:
        """The requests accepted per minute before the limit fell, or the limit itself if it has not fallen."""
        return self._drop.before_per_minute if self._drop is not None else self.per_minute or 0

    def take_drop(self, now: float) -> LimitDrop | None:
        """Return a large drop of the limit, once, after a minute without a 429: before that it may fall further."""
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
        """Record the refused attempt, and return how many accepted ones of the last minute began by `began_at`."""
        if began_at in self._begun_at:
            insort(self._refused_begun_at, began_at)
        self._forget_before(now - WINDOW_SECONDS)
        return self._begun_until(began_at) - bisect_right(self._refused_begun_at, began_at)

    def _begun_until(self, moment: float) -> int:
        return self._begun_at.until(moment)

    def _rate(self, now: float) -> int:
        self._forget_before(now - WINDOW_SECONDS)
        return len(self._begun_at) - len(self._refused_begun_at)

    def _forget_before(self, moment: float) -> None:
        self._begun_at.forget_until(moment)
        del self._refused_begun_at[: bisect_right(self._refused_begun_at, moment)]


@dataclass(slots=True)
class ReportedQuota:
    """The quota that a provider reports as left until its reset. Each attempt is subtracted until the next report."""

    remaining: int | None = None
    until: float = 0.0

    def update(self, now: float, remaining: int | None, reset_seconds: float | None) -> None:
        if remaining is not None and reset_seconds:
            self.remaining, self.until = remaining, now + reset_seconds

    def use(self, amount: int) -> None:
        if self.remaining is not None:
            self.remaining -= amount

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until the reset if the quota is used up, else 0."""
        return self.until - now if self.remaining_at(now) < 1 else 0.0

    def remaining_at(self, now: float) -> float:
        """Return the quota that is left; infinite if it is unknown."""
        return inf if self.remaining is None or now >= self.until else self.remaining


@dataclass(slots=True)
class LearnedTokenLimit:
    """The learned tokens per minute; None until a 429 has named tokens as its reason.

    Such a 429 shows that the tokens of the last minute plus those of the refused attempt exceed the limit. It shows
    nothing about the number of requests. After a minute without one, a tenth more is tried; if that is accepted, twice
    as much.
    """

    per_minute: int | None = None
    _taken: RecentAmounts = field(default_factory=RecentAmounts)
    _tokens_here: int = 0
    _extra: float = FIRST_EXTRA
    _raise_at: float = 0.0
    _raise_after_seconds: float = FIRST_RAISE_SECONDS

    def begin(self, now: float, tokens: int) -> None:
        """Count the expected tokens of an attempt that begins now."""
        self._tokens_here += tokens
        self.count_elsewhere(now, tokens)

    def take_count(self) -> int:
        """Return the tokens counted in this process since the last call."""
        tokens, self._tokens_here = self._tokens_here, 0
        return tokens

    def adopt(self, now: float, per_minute: int) -> None:
        """Take over the limit that another process has learned."""
        self.per_minute, self._raise_at = per_minute, now + self._raise_after_seconds

    def count_elsewhere(self, now: float, tokens: int) -> None:
        """Count tokens that another process has used."""
        self._forget_before(now - WINDOW_SECONDS)
        self._taken.add(now, tokens)

    def remaining_at(self, now: float) -> float:
        """Return the tokens left of this minute; infinite if no limit was learned."""
        if self.per_minute is None:
            return inf
        self._forget_before(now - WINDOW_SECONDS)
        extra = self._extra if now >= self._raise_at else 0.0
        return self.per_minute * (1 + extra) - self._taken.total

    def accepted(self, now: float) -> None:
        """Raise the limit if more was accepted than it allows."""
        self._forget_before(now - WINDOW_SECONDS)
        if self.per_minute is not None and self._taken.total > self.per_minute:
            self.per_minute = self._taken.total
            self._extra, self._raise_after_seconds = min(MOST_EXTRA, 2 * self._extra), FIRST_RAISE_SECONDS

    def refused(self, now: float, began_at: float) -> None:
        """Learn from a 429 for the attempt that began at `began_at`, whose own tokens don't count.

        The limit is at least the tokens of the attempts before it; if there were none, nothing is learned.
        """
        self._forget_before(now - WINDOW_SECONDS)
        self._taken.remove(began_at)
        before = self._taken.total_until(began_at)
        if before > 0:
            self.per_minute = before if self.per_minute is None else min(before, self.per_minute)
            self._extra, self._raise_at = FIRST_EXTRA, now + self._raise_after_seconds
            self._raise_after_seconds = min(LONGEST_TOKEN_RAISE_SECONDS, 2 * self._raise_after_seconds)

    def _forget_before(self, moment: float) -> None:
        self._taken.forget_until(moment)
