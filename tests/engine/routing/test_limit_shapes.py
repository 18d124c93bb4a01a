"""The learned limit with limits of several forms, at a demand of 1.75 times the limit."""

import random
from collections import deque
from typing import Protocol

import pytest

from engine.routing.rate_limits import LearnedLimit

PER_MINUTE, DEMAND, MINUTES, REST_SECONDS = 20, 1.75, 40, 1.0


class ProviderLimit(Protocol):
    def accepts(self, now: float) -> bool: ...


class SlidingMinute:
    """A limit per any minute. `counts_refused`: a refused call counts too."""

    def __init__(self, *, counts_refused: bool = False) -> None:
        self._begun_at, self._counts_refused = deque[float](), counts_refused

    def accepts(self, now: float) -> bool:
        while self._begun_at and self._begun_at[0] <= now - 60:
            self._begun_at.popleft()
        accepted = len(self._begun_at) < PER_MINUTE
        if accepted or self._counts_refused:
            self._begun_at.append(now)
        return accepted


class FixedMinute:
    def __init__(self) -> None:
        self._minute, self._count = 0, 0

    def accepts(self, now: float) -> bool:
        minute = int((now + 17.3) // 60)
        if minute != self._minute:
            self._minute, self._count = minute, 0
        self._count += 1
        return self._count <= PER_MINUTE


class TokenBucket:
    def __init__(self) -> None:
        self._tokens, self._at = float(PER_MINUTE), 0.0

    def accepts(self, now: float) -> bool:
        self._tokens, self._at = min(PER_MINUTE, self._tokens + (now - self._at) * PER_MINUTE / 60), now
        accepted = self._tokens >= 1
        self._tokens -= accepted
        return accepted


def simulated(provider: ProviderLimit) -> tuple[float, float]:
    """Return the share of refused attempts, and the used share of the limit after five minutes."""
    share, limit = random.Random(7), LearnedLimit()
    now, rests_until, attempts, refused, used = 0.0, 0.0, 0, 0, 0
    while now < MINUTES * 60:
        now += share.expovariate(DEMAND * PER_MINUTE / 60)
        if now < rests_until or limit.wait_seconds(now) > 0:
            continue
        limit.begin(now)
        attempts += 1
        if provider.accepts(now):
            used += now > 300
            limit.accepted(now)
        else:
            refused += 1
            rests_until = now + REST_SECONDS
            limit.refused(now, now)
    return refused / attempts, used / (PER_MINUTE * (MINUTES - 5))


@pytest.mark.parametrize(
    ("provider", "most_refused", "least_used"),
    [
        (SlidingMinute(), 0.04, 0.91),
        (FixedMinute(), 0.05, 0.94),
        (TokenBucket(), 0.05, 0.95),
        (SlidingMinute(counts_refused=True), 0.08, 0.90),
    ],
    ids=["sliding minute", "fixed minute", "token bucket", "refused calls counted"],
)
def test_few_attempts_are_refused_whatever_the_shape_of_the_limit(
    provider: ProviderLimit, most_refused: float, least_used: float
) -> None:
    refused, used = simulated(provider)
    assert refused < most_refused
    assert used > least_used
