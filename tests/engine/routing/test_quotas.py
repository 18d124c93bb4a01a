"""The learned tokens per minute: 429s for tokens teach them, and teach nothing about the number of requests."""

from math import inf

import pytest

from engine.catalog.offers import Quote
from engine.errors import RateLimited
from engine.ports import LimitHeaders
from engine.routing.permits import Permit
from engine.routing.rate_limits import LearnedTokenLimit, ReportedQuota
from tests.engine.scripted import PRICE
from tests.engine.two_providers import A, TwoProviders

OF_TOKENS = RateLimited(retry_after_seconds=0, of_tokens=True)
OF_REQUESTS = RateLimited(retry_after_seconds=0)


def permit_for(providers: TwoProviders, tokens: int) -> Permit:
    permit = providers.health.admit(A, tokens)
    assert isinstance(permit, Permit)
    return permit


def answered(providers: TwoProviders, tokens: int, times: int = 1) -> None:
    for _ in range(times):
        providers.health.succeeded(permit_for(providers, tokens), 100)
        providers.clock.wait(1)


def refused(providers: TwoProviders, tokens: int, error: RateLimited = OF_TOKENS) -> None:
    providers.health.failed(permit_for(providers, tokens), error)


def test_429_for_tokens_teaches_the_tokens_and_no_limit_of_requests(providers: TwoProviders) -> None:
    answered(providers, 1000, 10)
    refused(providers, 5000)
    status = providers.health.status(A)
    assert (status.over_limit_seconds, status.remaining_tokens) == (0, 0)
    assert providers.health.state("a").requests_per_minute is None


def test_429_for_requests_teaches_no_limit_of_tokens(providers: TwoProviders) -> None:
    answered(providers, 1000, 10)
    refused(providers, 5000, OF_REQUESTS)
    assert providers.health.status(A).remaining_tokens == inf
    assert providers.health.state("a").requests_per_minute == 10


def test_429_for_the_tokens_of_a_day_teaches_no_rate(providers: TwoProviders) -> None:
    answered(providers, 1000, 10)
    refused(providers, 5000, RateLimited(retry_after_seconds=0, of_tokens=True, per_day=True))
    assert providers.health.status(A).remaining_tokens == inf


def test_small_request_fits_where_a_large_one_waits(providers: TwoProviders) -> None:
    answered(providers, 1000, 10)
    refused(providers, 5000)
    providers.clock.wait(52)  # the first two are over a minute ago
    assert providers.health.status(A).remaining_tokens >= 2000
    assert Quote(A, PRICE, 1, expected_tokens=9000).expected_tokens > providers.health.status(A).remaining_tokens


def test_refused_attempt_takes_no_tokens() -> None:
    limit = LearnedTokenLimit()
    limit.begin(0, 600)
    limit.begin(1, 500)
    limit.refused(1, 1)
    assert (limit.per_minute, limit.remaining_at(2)) == (600, 0)
    assert limit.remaining_at(60) == 600


def test_first_attempt_of_a_minute_teaches_nothing() -> None:
    limit = LearnedTokenLimit()
    limit.begin(0, 5000)
    limit.refused(0, 0)
    assert (limit.per_minute, limit.remaining_at(1)) == (None, inf)


def test_later_attempts_say_nothing_about_the_limit() -> None:
    limit = LearnedTokenLimit()
    limit.begin(0, 600)
    limit.begin(1, 500)
    limit.begin(2, 50)
    limit.refused(3, 1)
    assert limit.per_minute == 600


@pytest.mark.parametrize(("second", "extra"), [(59, 0), (61.1, 100)])
def test_tenth_more_is_tried_after_a_minute_without_a_429(second: float, extra: int) -> None:
    limit = LearnedTokenLimit()
    limit.begin(0, 1000)
    limit.begin(1, 500)
    limit.refused(1, 1)
    limit.begin(58, 1000)
    assert limit.remaining_at(second) == pytest.approx(extra - (1000 if second < 60 else 0))


def test_accepted_excess_raises_the_limit_and_doubles_the_next_one() -> None:
    limit = LearnedTokenLimit()
    limit.begin(0, 1000)
    limit.begin(1, 500)
    limit.refused(1, 1)
    limit.begin(62, 1100)
    limit.accepted(63)
    assert limit.per_minute == 1100
    assert limit.remaining_at(123) == pytest.approx(1100 * 1.2)


def test_refused_excess_waits_twice_as_long_for_the_next_one() -> None:
    limit = LearnedTokenLimit()
    limit.begin(0, 1000)
    limit.begin(1, 500)
    limit.refused(1, 1)
    limit.begin(62, 1000)
    limit.begin(63, 100)
    limit.refused(63, 63)
    assert limit.remaining_at(63 + 119) == 1000
    assert limit.remaining_at(63 + 120) == pytest.approx(1100)


def test_lowest_refused_minute_is_the_limit() -> None:
    limit = LearnedTokenLimit()
    for start, before in ((0, 1000), (100, 400), (200, 700)):
        limit.begin(start, before)
        limit.begin(start + 1, 500)
        limit.refused(start + 1, start + 1)
    assert limit.per_minute == 400


def test_reported_quota_ends_with_its_reset() -> None:
    quota = ReportedQuota()
    quota.update(0, 10, 30)
    quota.use(10)
    assert (quota.wait_seconds(10), quota.remaining_at(29), quota.remaining_at(30)) == (20, 0, inf)


def test_reported_tokens_and_learned_ones_both_hold(providers: TwoProviders) -> None:
    answered(providers, 1000, 3)
    refused(providers, 5000)
    providers.clock.wait(61)
    permit = permit_for(providers, 0)
    providers.health.succeeded(permit, 100, LimitHeaders(tokens_left=700, tokens_reset_seconds=30))
    assert providers.health.status(A).remaining_tokens == 700
