"""The health of one API key: cooldown, reported quotas, learned rate limit. `now` is monotonic seconds, passed in."""

from bisect import bisect_right, insort
from collections import deque
from dataclasses import dataclass, field
from itertools import takewhile
from math import inf, isfinite

from engine.ports import LimitHeaders
from engine.routing.quotas import LearnedTokenLimit, ReportedQuota

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 5.0, 600.0
WINDOW_SECONDS = 60.0
SLACK_SECONDS = 0.25  # the provider's minute and ours do not begin together
NOTABLE_SHARE = 0.9  # a smaller drop is within the difference between the two minutes
LEAST_SEEN = 5  # fewer requests in a minute say nothing about a rate
FIRST_RAISE_SECONDS, LONGEST_RAISE_SECONDS = 60.0, 120.0
MOST_MODELS = 1024  # upper bound of the budgets of a key


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

    def begin(self, now: float) -> None:
        """Count an attempt that begins."""
        self._begun_at.append(now)

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
        if accepted < LEAST_SEEN:
            return
        if self._extra or self.per_minute is None:
            self._extra, self._raise_at = 0, now + self._raise_after_seconds
            self._raise_after_seconds = min(LONGEST_RAISE_SECONDS, self._raise_after_seconds * 2)
        self._learn(accepted)

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


@dataclass(slots=True)
class RateBudget:
    """The rate limits of one model under one key: cooldown after a 429, reported quotas, learned limits."""

    limit: LearnedLimit = field(default_factory=LearnedLimit)
    token_limit: LearnedTokenLimit = field(default_factory=LearnedTokenLimit)
    requests: ReportedQuota = field(default_factory=ReportedQuota)
    tokens: ReportedQuota = field(default_factory=ReportedQuota)
    rests_until: float = 0.0
    _next_rest_seconds: float = FIRST_REST_SECONDS

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until it may be used, 0 if now. The learned limit is not part of it."""
        return max(0.0, self.rests_until - now, self.requests.wait_seconds(now), self.tokens.wait_seconds(now))

    def begin(self, now: float, tokens: int) -> None:
        """Count an attempt that begins and is expected to take `tokens`."""
        self.limit.begin(now)
        self.requests.use(1)
        self.tokens.use(tokens)
        self.token_limit.begin(now, tokens)

    def remaining_tokens(self, now: float) -> float:
        """Return the tokens that are left until the reset and in this minute; infinite where no limit is known."""
        return min(self.tokens.remaining_at(now), self.token_limit.remaining_at(now))

    def accepted(self, now: float) -> None:
        """End the growth of cooldowns: an attempt was accepted."""
        self._next_rest_seconds = FIRST_REST_SECONDS
        self.limit.accepted(now)
        self.token_limit.accepted(now)

    def apply_limits(self, now: float, limits: LimitHeaders) -> None:
        """Store the quotas that a response reported. A budget that is used up waits for the reset."""
        self.requests.update(now, limits.requests_left, limits.requests_reset_seconds)
        self.tokens.update(now, limits.tokens_left, limits.tokens_reset_seconds)

    def rest(self, now: float, retry_after_seconds: float | None, *, jitter: float, per_day: bool) -> None:
        """Rest for Retry-After, else 5 s, doubling."""
        seconds = self._rest_seconds(now, retry_after_seconds, per_day=per_day) * jitter
        self.rests_until = max(self.rests_until, now + seconds)

    def _rest_seconds(self, now: float, retry_after_seconds: float | None, *, per_day: bool) -> float:
        if retry_after_seconds is not None and isfinite(retry_after_seconds):
            return max(0.0, retry_after_seconds)
        if per_day:
            return LONGEST_REST_SECONDS
        if self.rests_until > now:
            return 0.0  # an attempt that was in flight when the rest began does not prolong it
        seconds = self._next_rest_seconds
        self._next_rest_seconds = min(LONGEST_REST_SECONDS, seconds * 2)
        return seconds


@dataclass(slots=True)
class KeyHealth:
    """Whether a key may be used for a model, and for how long it may not.

    Providers limit each model by itself, so a 429 rests one model's budget. When a second model gets a 429 meanwhile,
    the limit is the key's: every model of the key rests.
    """

    budgets: dict[str, RateBudget] = field(default_factory=dict)
    _rests_until: float = 0.0
    _refused_at: float | None = None
    _refused_for: str = ""

    def budget(self, model: str) -> RateBudget:
        found = self.budgets.get(model)
        if found is None:
            if len(self.budgets) >= MOST_MODELS:
                self.budgets.pop(next(iter(self.budgets)))
            found = self.budgets[model] = RateBudget()
        return found

    @property
    def is_out_of_service(self) -> bool:
        """True when the key was refused or has no balance. Only the operator or a probe restores it."""
        return self._refused_at is not None

    def is_unrestricted(self, now: float, model: str) -> bool:
        """True when nothing at all restricts the use of the key for `model`: a fast path for the usual case."""
        if self._refused_at is not None or self._rests_until > now:
            return False
        found = self.budgets.get(model)
        return found is None or (
            found.rests_until <= now
            and (found.requests.remaining is None or found.requests.remaining > 0)
            and found.tokens.remaining is None
            and found.limit.per_minute is None
            and found.token_limit.per_minute is None
        )

    def wait_seconds(self, now: float, model: str | None = None) -> float:
        """Return the seconds until the key may be used for `model` (None: for any), 0 if now.

        The learned limit is not part of it.
        """
        if self.is_out_of_service:
            return LONGEST_REST_SECONDS
        own = max(0.0, self._rests_until - now)
        if model is not None:
            return max(own, self.budget(model).wait_seconds(now))
        shortest = inf
        for budget in self.budgets.values():
            shortest = min(shortest, budget.wait_seconds(now))
            if not shortest:
                return own
        return max(own, shortest) if self.budgets else own

    def over_limit_seconds(self, now: float, model: str) -> float:
        """Return the seconds until the key is under the learned limit of `model`; 0 while it is."""
        return self.budget(model).limit.wait_seconds(now)

    @property
    def learned_limit(self) -> int | None:
        """The requests per minute of all models together; None where no limit was learned."""
        limits = [each.limit.per_minute for each in self.budgets.values() if each.limit.per_minute is not None]
        return sum(limits) if limits else None

    def reason(self, now: float, model: str | None = None) -> str:
        """Return why the key has to wait."""
        if self.is_out_of_service:
            return self._refused_for
        budgets = self.budgets.values() if model is None else (self.budget(model),)
        if self._rests_until > now or any(budget.rests_until > now for budget in budgets):
            return "rate limited (429)"
        return "its limit is used up"

    def begin(self, now: float, model: str, tokens: int = 0) -> None:
        """Count an attempt that begins and is expected to take `tokens`."""
        self.budget(model).begin(now, tokens)

    def accepted(self, now: float, model: str, began_at: float) -> None:
        """Record an accepted attempt. It restores a refused key, unless it began before the refusal."""
        self.budget(model).accepted(now)
        if self._refused_at is not None and began_at > self._refused_at:
            self._refused_at = None

    def refused(self, now: float, reason: str) -> None:
        self._refused_at, self._refused_for = now, reason

    def restore(self) -> None:
        self._refused_at, self._rests_until = None, 0.0
        for budget in self.budgets.values():
            budget.rests_until = 0.0

    def rate_limited(
        self,
        now: float,
        model: str,
        began_at: float,
        retry_after_seconds: float | None,
        *,
        jitter: float,
        per_day: bool,
        counts: bool = True,
        of_tokens: bool = False,
    ) -> None:
        """Handle a 429: the model's budget rests, and every model where another one rests too.

        `counts` False: it says nothing about a rate. `of_tokens`: about that of tokens, and nothing about requests.
        """
        budget = self.budget(model)
        budget.rest(now, retry_after_seconds, jitter=jitter, per_day=per_day)
        if any(other.rests_until > now for name, other in self.budgets.items() if name != model):
            self._rests_until = max(self._rests_until, budget.rests_until)
        if counts and not per_day:
            learned = budget.token_limit if of_tokens else budget.limit
            learned.refused(now, began_at)

    def apply_limits(self, now: float, model: str, limits: LimitHeaders) -> None:
        """Store the quotas that a response for `model` reported."""
        self.budget(model).apply_limits(now, limits)
