"""The health of one API key: cooldown, reported quotas, learned rate limit. `now` is monotonic seconds, passed in."""

from dataclasses import dataclass, field
from math import inf, isfinite

from engine.ports import LimitHeaders
from engine.routing.rate_limits import LearnedLimit, LearnedTokenLimit, ReportedQuota

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 5.0, 600.0
REST_TIMES = 1.5  # by which cooldowns grow
MOST_MODELS = 1024  # upper bound of the budgets of a key


@dataclass(slots=True)
class RateBudget:
    """The rate limits of one model under one API key: cooldown after a 429, reported quotas, learned limits."""

    limit: LearnedLimit = field(default_factory=LearnedLimit)
    token_limit: LearnedTokenLimit = field(default_factory=LearnedTokenLimit)
    requests: ReportedQuota = field(default_factory=ReportedQuota)
    tokens: ReportedQuota = field(default_factory=ReportedQuota)
    rests_until: float = 0.0
    _next_rest_seconds: float = FIRST_REST_SECONDS

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until the model may be used, 0 if now. The learned limit is not considered."""
        return max(0.0, self.rests_until - now, self.requests.wait_seconds(now), self.tokens.wait_seconds(now))

    def begin(self, now: float, tokens: int) -> None:
        """Count an attempt that begins now and is expected to take `tokens`."""
        self.limit.begin(now)
        self.requests.use(1)
        self.tokens.use(tokens)
        self.token_limit.begin(now, tokens)

    def remaining_tokens(self, now: float) -> float:
        """Return the tokens left until the reset and in this minute; infinite if no limit is known."""
        return min(self.tokens.remaining_at(now), self.token_limit.remaining_at(now))

    def accepted(self, now: float, began_at: float) -> None:
        """Record an accepted attempt: the next cooldown is short again."""
        self._next_rest_seconds = FIRST_REST_SECONDS
        self.limit.accepted(now, began_at)
        self.token_limit.accepted(now)

    def apply_limits(self, now: float, limits: LimitHeaders) -> None:
        """Store the quotas that a response reported. A quota that is used up delays attempts until its reset."""
        self.requests.update(now, limits.requests_left, limits.requests_reset_seconds)
        self.tokens.update(now, limits.tokens_left, limits.tokens_reset_seconds)

    def rest(self, now: float, retry_after_seconds: float | None, *, jitter: float, per_day: bool) -> None:
        """Rest for the time of Retry-After; without it for 5 s, doubled each time."""
        seconds = self._rest_seconds(now, retry_after_seconds, per_day=per_day) * jitter
        self.rests_until = max(self.rests_until, now + seconds)

    def _rest_seconds(self, now: float, retry_after_seconds: float | None, *, per_day: bool) -> float:
        if retry_after_seconds is not None and isfinite(retry_after_seconds):
            return max(0.0, retry_after_seconds)
        if per_day:
            return LONGEST_REST_SECONDS
        if self.rests_until > now:
            return 0.0  # an attempt that was running when the rest began does not prolong it
        seconds = self._next_rest_seconds
        self._next_rest_seconds = min(LONGEST_REST_SECONDS, seconds * REST_TIMES)
        return seconds


@dataclass(slots=True)
class KeyHealth:
    """Whether an API key may be used for a model, and how long it must wait.

    Providers limit each model separately, so that a 429 rests one model's budget. If a second model gets a 429 during
    that rest, the limit belongs to the key: all its models rest.
    """

    budgets: dict[str, RateBudget] = field(default_factory=dict)
    rests_until: float = 0.0
    refused_at: float | None = None
    refused_for: str = ""

    def budget(self, model: str) -> RateBudget:
        found = self.budgets.get(model)
        if found is None:
            if len(self.budgets) >= MOST_MODELS:
                self.budgets.pop(next(iter(self.budgets)))
            found = self.budgets[model] = RateBudget()
        return found

    @property
    def is_out_of_service(self) -> bool:
        """True if the key was refused or has no balance. Only the operator or a probe restores it."""
        return self.refused_at is not None

    def is_unrestricted(self, now: float, model: str) -> bool:
        """True if nothing restricts the use of the key for `model`: a fast path for the usual case."""
        if self.refused_at is not None or self.rests_until > now:
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
        """Return the seconds until the key may be used for `model` (None: for any model), 0 if now.

        The learned limit is not considered.
        """
        if self.is_out_of_service:
            return LONGEST_REST_SECONDS
        own = max(0.0, self.rests_until - now)
        if model is not None:
            return max(own, self.budget(model).wait_seconds(now))
        shortest = inf
        for budget in self.budgets.values():
            shortest = min(shortest, budget.wait_seconds(now))
            if not shortest:
                return own
        return max(own, shortest) if self.budgets else own

    def over_limit_seconds(self, now: float, model: str) -> float:
        """Return the seconds until the key's rate is below the learned limit of `model`; 0 if it is now."""
        return self.budget(model).limit.wait_seconds(now)

    @property
    def learned_limit(self) -> int | None:
        """The learned requests per minute of all models together; None if no limit was learned."""
        limits = [each.limit.per_minute for each in self.budgets.values() if each.limit.per_minute is not None]
        return sum(limits) if limits else None

    def reason(self, now: float, model: str | None = None) -> str:
        """Return the reason why the key must wait."""
        if self.is_out_of_service:
            return self.refused_for
        budgets = self.budgets.values() if model is None else (self.budget(model),)
        if self.rests_until > now or any(budget.rests_until > now for budget in budgets):
            return "rate limited (429)"
        return "its limit is used up"

    def begin(self, now: float, model: str, tokens: int = 0) -> None:
        """Count an attempt that begins now and is expected to take `tokens`."""
        self.budget(model).begin(now, tokens)

    def accepted(self, now: float, model: str, began_at: float) -> None:
        """Record an accepted attempt. It restores a refused key, unless it began before the refusal."""
        self.budget(model).accepted(now, began_at)
        if self.refused_at is not None and began_at > self.refused_at:
            self.refused_at = None

    def refused(self, now: float, reason: str) -> None:
        self.refused_at, self.refused_for = now, reason

    def restore(self) -> None:
        self.refused_at, self.rests_until = None, 0.0
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
        """Handle a 429: the model's budget rests; if another model's budget rests too, all models do.

        `counts` False: the 429 does not show a rate limit. `of_tokens`: it shows a limit of tokens, not of requests.
        A refused test of the learned limit, without Retry-After, leaves the places under it in use.
        """
        budget = self.budget(model)
        of_requests = counts and not per_day and not of_tokens
        if retry_after_seconds is not None or not of_requests or not budget.limit.is_trial(now, began_at):
            budget.rest(now, retry_after_seconds, jitter=jitter, per_day=per_day)
        if any(other.rests_until > now for name, other in self.budgets.items() if name != model):
            self.rests_until = max(self.rests_until, budget.rests_until)
        if counts and not per_day:
            learned = budget.token_limit if of_tokens else budget.limit
            learned.refused(now, began_at)

    def apply_limits(self, now: float, model: str, limits: LimitHeaders) -> None:
        """Store the quotas that a response for `model` reported."""
        self.budget(model).apply_limits(now, limits)
