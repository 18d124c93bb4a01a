from collections import deque

import pytest

from engine.ports import LimitHeaders
from engine.routing.key_health import SLACK_SECONDS, KeyHealth, LearnedLimit, LimitDrop, ReportedQuota


def rate_limit(key: KeyHealth, now: float, retry_after: float | None = None, *, per_day: bool = False) -> None:
    key.begin(now)
    key.rate_limited(now, now, retry_after, jitter=1, per_day=per_day)


def serve_key(key: KeyHealth, now: float) -> None:
    key.begin(now)
    key.succeeded(now, now)


def test_429_rests_the_key_for_retry_after() -> None:
    key = KeyHealth()
    rate_limit(key, 100, 36)
    assert key.wait_seconds(110) == 26
    assert key.reason(110) == "rate limited (429)"
    assert key.wait_seconds(136) == 0


def test_429_without_retry_after_rests_five_seconds_doubling_until_a_success() -> None:
    key, now, waits = KeyHealth(), 0.0, []
    for _ in range(4):
        rate_limit(key, now)
        waits.append(key.wait_seconds(now))
        now += waits[-1]
    assert waits == [5, 10, 20, 40]
    serve_key(key, now)
    rate_limit(key, now)
    assert key.wait_seconds(now) == 5


def test_thirty_429s_at_once_are_one_rest() -> None:
    key = KeyHealth()
    for _ in range(30):
        rate_limit(key, 100)
    assert key.wait_seconds(100) == 5


def test_longest_of_several_rests_counts() -> None:
    key = KeyHealth()
    rate_limit(key, 100, 60)
    rate_limit(key, 101, 1)
    assert key.wait_seconds(101) == 59


@pytest.mark.parametrize("retry_after", [-5.0, 0.0])
def test_retry_after_of_zero_or_less_is_no_rest(retry_after: float) -> None:
    key = KeyHealth()
    rate_limit(key, 100, retry_after)
    assert key.wait_seconds(100) == 0


@pytest.mark.parametrize("retry_after", [float("inf"), float("nan")])
def test_infinite_retry_after_is_ignored(retry_after: float) -> None:
    key = KeyHealth()
    rate_limit(key, 100, retry_after)
    assert key.wait_seconds(100) == 5


def test_used_up_quota_of_a_day_rests_ten_minutes() -> None:
    key = KeyHealth()
    rate_limit(key, 100, per_day=True)
    assert key.wait_seconds(100) == 600


def test_key_waits_for_the_reset_of_a_used_up_quota() -> None:
    key = KeyHealth()
    key.apply_limits(100, LimitHeaders(requests_left=0, requests_reset_seconds=6))
    assert (key.wait_seconds(100), key.reason(100)) == (6, "its limit is used up")
    key.apply_limits(100, LimitHeaders(tokens_left=0, tokens_reset_seconds=9))
    assert key.wait_seconds(100) == 9
    key.apply_limits(100, LimitHeaders(requests_left=3, requests_reset_seconds=60))
    assert key.wait_seconds(100) == 9


def test_attempts_use_up_the_reported_quota_until_its_reset() -> None:
    key = KeyHealth()
    key.apply_limits(100, LimitHeaders(requests_left=2, requests_reset_seconds=6))
    key.begin(100)
    assert key.wait_seconds(100) == 0
    key.begin(100)
    assert key.wait_seconds(101) == 5
    assert key.wait_seconds(106) == 0


def test_expected_tokens_use_up_the_reported_token_quota() -> None:
    key = KeyHealth()
    key.apply_limits(100, LimitHeaders(tokens_left=5000, tokens_reset_seconds=6))
    key.begin(100, tokens=5000)
    assert (key.wait_seconds(100), key.reason(100)) == (6, "its limit is used up")


def test_refused_key_is_out_of_service_until_it_is_restored() -> None:
    key = KeyHealth()
    key.refused(100, "key refused")
    assert key.is_out_of_service
    assert key.wait_seconds(10**6) > 0
    key.restore()
    assert key.wait_seconds(100) == 0


def test_success_restores_a_refused_key_only_if_it_began_after_the_refusal() -> None:
    key = KeyHealth()
    key.begin(90)
    key.refused(100, "balance gone")
    key.succeeded(110, 90)
    assert key.is_out_of_service
    key.succeeded(120, 115)
    assert not key.is_out_of_service


def refuse(limit: LearnedLimit, now: float) -> None:
    limit.begin(now)
    limit.refused(now, now)


def serve(limit: LearnedLimit, now: float) -> None:
    limit.begin(now)
    limit.accepted(now)


def learned(most: int = 20) -> LearnedLimit:
    """A limit that accepted `most` attempts, one a second, and then got a 429."""
    limit = LearnedLimit()
    for second in range(most):
        serve(limit, second)
    refuse(limit, most)
    return limit


def test_no_limit_is_known_at_first() -> None:
    assert LearnedLimit().wait_seconds(0) == 0


def test_limit_is_the_rate_that_was_accepted() -> None:
    limit = learned(20)
    assert limit.per_minute == 20
    assert limit.wait_seconds(20) == pytest.approx(40 + SLACK_SECONDS)  # the oldest has to be a minute old
    assert limit.wait_seconds(60 + SLACK_SECONDS) == 0


def test_burst_teaches_the_accepted_rate_not_the_sent_one() -> None:
    limit = LearnedLimit()
    for _ in range(50):
        limit.begin(0)
    for _ in range(20):
        limit.accepted(0.5)
    for _ in range(30):
        limit.refused(0.5, 0)
    assert limit.per_minute == 20


def test_attempts_begun_after_the_refused_one_do_not_count_as_accepted() -> None:
    limit = LearnedLimit()
    for second in range(20):
        serve(limit, second)
    for second in range(20, 30):
        limit.begin(second)
    limit.refused(30, began_at=20)
    assert limit.per_minute == 20


def test_four_requests_in_a_minute_teach_no_limit() -> None:
    limit = LearnedLimit()
    for second in range(3):
        serve(limit, second)
    refuse(limit, 3)
    assert limit.per_minute is None


def test_one_more_is_tried_after_a_quiet_minute_and_a_refusal_delays_the_next() -> None:
    limit = learned(20)
    for second in range(80, 100):
        serve(limit, second)
    assert limit.wait_seconds(100) == 0
    refuse(limit, 100)
    assert (limit.per_minute, limit.wait_seconds(101) > 0) == (20, True)


def test_limit_that_no_longer_exists_is_raised_within_two_minutes() -> None:
    limit, now, taken = learned(20), 80.0, 0
    while now < 80 + 120:
        if limit.wait_seconds(now) == 0:
            serve(limit, now)
            taken += 1
        now += 0.2
    assert limit.per_minute is not None
    assert limit.per_minute > 200


class LimitedProvider:
    """A provider that accepts `most` requests in any minute, asked as often as the learned limit allows."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0.0
        self.limit = LearnedLimit()
        self.served: deque[float] = deque()
        self.refused: list[float] = []
        self.drops: list[LimitDrop] = []

    def run(self, until: float, every: float = 1.1) -> None:
        while self.now < until:
            if self.limit.wait_seconds(self.now) == 0:
                self.ask()
            if (drop := self.limit.take_drop(self.now)) is not None:
                self.drops.append(drop)
            self.now += every

    def ask(self) -> None:
        if sum(1 for at in self.served if at > self.now - 60) < self.most:
            self.served.append(self.now)
            serve(self.limit, self.now)
        else:
            self.refused.append(self.now)
            refuse(self.limit, self.now)


@pytest.mark.parametrize("every", [0.2, 1.1, 1.7])
def test_limit_that_drops_from_50_to_20_is_respected_from_the_third_minute_on(every: float) -> None:
    provider = LimitedProvider(50)
    provider.run(600, every)
    provider.most = 20
    provider.run(1800, every)
    refused = sum(1 for at in provider.refused if at >= 720)
    served = sum(1 for at in provider.served if at >= 720)
    assert refused / (refused + served) < 0.05
    assert served > 0.95 * 20 * 17  # the accepted rate is used in full


def test_drop_is_reported_once_with_the_rate_that_is_accepted_now() -> None:
    provider = LimitedProvider(50)
    provider.run(600)
    provider.drops.clear()
    provider.most = 20
    provider.run(1800)
    assert [drop.now_per_minute for drop in provider.drops] == [20]
    assert provider.drops[0].before_per_minute >= 40


def test_unchanged_limit_is_not_reported() -> None:
    provider = LimitedProvider(20)
    provider.run(600)
    provider.drops.clear()
    provider.run(3600)
    assert provider.refused
    assert not provider.drops


def test_drop_of_two_requests_in_fifty_is_not_reported() -> None:
    provider = LimitedProvider(50)
    provider.run(600)
    provider.drops.clear()
    provider.most = 48
    provider.run(1800)
    assert provider.limit.per_minute == 48
    assert not provider.drops


def test_unreported_quota_limits_nothing() -> None:
    quota = ReportedQuota()
    quota.update(0, None, 60)
    quota.use(5)
    assert quota.wait_seconds(0) == 0
