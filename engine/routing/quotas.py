"""The quotas of a key for a model: as the provider reports them, and the tokens per minute as learned from 429 answers.

`now` is monotonic seconds, passed in.
"""

from collections import deque
from dataclasses import dataclass, field
from math import inf

WINDOW_SECONDS = 60.0
FIRST_EXTRA, MOST_EXTRA = 0.1, 1.0  # of the limit, by which it is exceeded to find out whether it still holds
FIRST_RAISE_SECONDS, LONGEST_RAISE_SECONDS = 60.0, 240.0


@dataclass(slots=True)
class ReportedQuota:
    """The quota that a provider reports as left until its reset. Each attempt takes from it until the next report."""

    remaining: int | None = None
    until: float = 0.0

    def update(self, now: float, remaining: int | None, reset_seconds: float | None) -> None:
        if remaining is not None and reset_seconds:
            self.remaining, self.until = remaining, now + reset_seconds

    def use(self, amount: int) -> None:
        if self.remaining is not None:
            self.remaining -= amount

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until the reset where the quota is used up, else 0."""
        return self.until - now if self.remaining_at(now) < 1 else 0.0

    def remaining_at(self, now: float) -> float:
        """Return the quota that is left, infinite where none is known."""
        return inf if self.remaining is None or now >= self.until else self.remaining


@dataclass(slots=True)
class LearnedTokenLimit:
    """The learned tokens per minute; None until a 429 has named tokens as its reason.

    Such a 429 says that the tokens of the last minute and those of the refused attempt are more than the limit, and
    nothing about the number of requests. After a minute without one, a tenth more is tried; where that is accepted,
    twice as much.
    """

    per_minute: int | None = None
    _taken: deque[tuple[float, int]] = field(default_factory=deque)
    _used: int = 0
    _tokens_here: int = 0
    _extra: float = FIRST_EXTRA
    _raise_at: float = 0.0
    _raise_after_seconds: float = FIRST_RAISE_SECONDS

    def begin(self, now: float, tokens: int) -> None:
        """Count the expected tokens of an attempt that begins."""
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
        """Count the tokens of another process."""
        self._forget_before(now - WINDOW_SECONDS)
        self._taken.append((now, tokens))
        self._used += tokens

    def remaining_at(self, now: float) -> float:
        """Return the tokens that are left of this minute, infinite where no limit was learned."""
        if self.per_minute is None:
            return inf
        self._forget_before(now - WINDOW_SECONDS)
        extra = self._extra if now >= self._raise_at else 0.0
        return self.per_minute * (1 + extra) - self._used

    def accepted(self, now: float) -> None:
        """Raise the limit where more than it was accepted."""
        self._forget_before(now - WINDOW_SECONDS)
        if self.per_minute is not None and self._used > self.per_minute:
            self.per_minute = self._used
            self._extra, self._raise_after_seconds = min(MOST_EXTRA, 2 * self._extra), FIRST_RAISE_SECONDS

    def refused(self, now: float, began_at: float) -> None:
        """Learn from a 429 for the attempt that began at `began_at`. It takes no tokens.

        The limit is at least the tokens of the attempts before it; where there were none, nothing is learned.
        """
        self._forget_before(now - WINDOW_SECONDS)
        refused = next((taken for taken in self._taken if taken[0] == began_at), None)
        if refused is not None:
            self._taken.remove(refused)
            self._used -= refused[1]
        before = sum(tokens for at, tokens in self._taken if at <= began_at)
        if before > 0:
            self.per_minute = before if self.per_minute is None else min(before, self.per_minute)
            self._extra, self._raise_at = FIRST_EXTRA, now + self._raise_after_seconds
            self._raise_after_seconds = min(LONGEST_RAISE_SECONDS, 2 * self._raise_after_seconds)

    def _forget_before(self, moment: float) -> None:
        while self._taken and self._taken[0][0] <= moment:
            self._used -= self._taken.popleft()[1]
