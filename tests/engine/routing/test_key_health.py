import pytest

from engine.ports import LimitHeaders
from engine.routing.key_health import KeyHealth
from engine.routing.rate_limits import LearnedLimit, LimitDrop


def rate_limit(key: KeyHealth, now: float, retry_after: float | None = None, *, per_day: bool = False) -> None:
    key.begin(now, "m")
    key.rate_limited(now, "m", now, retry_after, jitter=1, per_day=per_day)


def serve_key(key: KeyHealth, now: float) -> None:
    key.begin(now, "m")
    key.accepted(now, "m", now)


def test_429_rests_the_key_for_retry_after() -> None:
    key = KeyHealth()
    rate_limit(key, 100, 36)
    assert key.wait_seconds(110) == 26
    assert key.reason(110) == "rate limited (429)"
    assert key.wait_seconds(136) == 0


def test_429_without_retry_after_rests_five_seconds_and_then_longer_until_a_success() -> None:
    key, now, waits = KeyHealth(), 0.0, []
    for _ in range(4):
        rate_limit(key, now)
        waits.append(key.wait_seconds(now))
        now += waits[-1]
    assert waits == [5, 7.5, 11.25, 16.875]
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
    key.apply_limits(100, "m", LimitHeaders(requests_left=0, requests_reset_seconds=6))
    assert (key.wait_seconds(100), key.reason(100)) == (6, "its limit is used up")
    key.apply_limits(100, "m", LimitHeaders(tokens_left=0, tokens_reset_seconds=9))
    assert key.wait_seconds(100) == 9
    key.apply_limits(100, "m", LimitHeaders(requests_left=3, requests_reset_seconds=60))
    assert key.wait_seconds(100) == 9


def test_attempts_use_up_the_reported_quota_until_its_reset() -> None:
    key = KeyHealth()
    key.apply_limits(100, "m", LimitHeaders(requests_left=2, requests_reset_seconds=6))
    key.begin(100, "m")
    assert key.wait_seconds(100) == 0
    key.begin(100, "m")
    assert key.wait_seconds(101) == 5
    assert key.wait_seconds(106) == 0


def test_expected_tokens_use_up_the_reported_token_quota() -> None:
    key = KeyHealth()
    key.apply_limits(100, "m", LimitHeaders(tokens_left=5000, tokens_reset_seconds=6))
    key.begin(100, "m", tokens=5000)
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
    key.begin(90, "m")
    key.refused(100, "balance gone")
    key.accepted(110, "m", 90)
    assert key.is_out_of_service
    key.accepted(120, "m", 115)
    assert not key.is_out_of_service


def test_drop_is_reported_exactly_a_minute_after_the_last_429() -> None:
    key = KeyHealth()
    for _ in range(20):
        serve_key(key, 0)
    for _ in range(10):
        serve_key(key, 61)
    rate_limit(key, 61, 1)
    assert key.budget("m").limit.take_drop(120.9) is None
    assert key.budget("m").limit.take_drop(121) == LimitDrop(10, 20)
    assert key.budget("m").limit.take_drop(122) is None


def test_429_teaches_a_limit_unless_it_is_for_the_day() -> None:
    for per_day, limit in ((False, 6), (True, None)):
        key = KeyHealth()
        for _ in range(6):
            serve_key(key, 0)
        rate_limit(key, 1, 1, per_day=per_day)
        assert key.budget("m").limit.per_minute == limit


def test_attempt_without_expected_tokens_takes_none() -> None:
    key = KeyHealth()
    key.apply_limits(0, "m", LimitHeaders(tokens_left=1, tokens_reset_seconds=6))
    key.begin(0, "m")
    assert key.wait_seconds(0) == 0
    key.begin(0, "m", 1)
    assert key.wait_seconds(0) == 6


def test_cooldown_grows_up_to_ten_minutes() -> None:
    key, now = KeyHealth(), 0.0
    for _ in range(13):
        rate_limit(key, now)
        seconds = key.wait_seconds(now)
        now += seconds
    assert seconds == 600


def test_restored_key_has_no_cooldown() -> None:
    key = KeyHealth()
    rate_limit(key, 0, 60)
    assert not key.is_unrestricted(59, "m")
    assert key.is_unrestricted(60, "m")
    key.restore()
    assert (key.wait_seconds(0), key.reason(0)) == (0, "its limit is used up")


def test_reason_of_a_429_ends_with_its_rest() -> None:
    key = KeyHealth()
    rate_limit(key, 100, 36)
    assert key.reason(135.9) == "rate limited (429)"
    assert key.reason(136) == "its limit is used up"


def test_success_begun_with_the_refusal_restores_nothing() -> None:
    key = KeyHealth()
    key.refused(100, "key refused")
    key.accepted(110, "m", 100)
    assert key.is_out_of_service


def test_429_just_before_the_end_of_a_rest_does_not_prolong_it() -> None:
    key = KeyHealth()
    rate_limit(key, 100)
    rate_limit(key, 104.5)
    assert key.wait_seconds(104.5) == 0.5


def test_429s_of_two_models_rest_the_key_only_while_both_rest() -> None:
    for second_at, is_resting in ((109.9, True), (110, False)):
        key = KeyHealth()
        rate_limit(key, 100, 10)
        key.rate_limited(second_at, "other", second_at, 5, jitter=1, per_day=False)
        assert (key.wait_seconds(second_at, "third") > 0) is is_resting


def test_reason_for_a_model_is_its_own() -> None:
    key = KeyHealth()
    rate_limit(key, 100, 60)
    key.apply_limits(100, "other", LimitHeaders(requests_left=0, requests_reset_seconds=6))
    assert (key.reason(101, "m"), key.reason(101, "other")) == ("rate limited (429)", "its limit is used up")


def test_429_never_raises_a_learned_limit() -> None:
    limit = LearnedLimit(per_minute=6)
    for _ in range(9):
        limit.begin(10)
    limit.refused(11, 11)
    assert limit.per_minute == 6


def test_jitter_lengthens_the_rest() -> None:
    key = KeyHealth()
    key.begin(100, "m")
    key.rate_limited(100, "m", 100, 10, jitter=1.5, per_day=False)
    assert key.wait_seconds(100) == 15


def test_budgets_of_the_latest_1024_models_are_kept() -> None:
    key = KeyHealth()
    for number in range(1025):
        key.begin(0, f"m{number}")
    assert list(key.budgets) == [f"m{number}" for number in range(1, 1025)]


def test_nothing_restricts_a_key_that_is_in_service_and_rested() -> None:
    key = KeyHealth()
    assert key.is_unrestricted(100, "m")
    for model in ("m", "other"):
        key.begin(100, model)
        key.rate_limited(100, model, 100, 36, jitter=1, per_day=False)
    assert [key.is_unrestricted(now, "third") for now in (135, 136)] == [False, True]
    key.refused(140, "key refused")
    assert not key.is_unrestricted(200, "third")


def test_last_request_of_a_quota_is_free_to_use() -> None:
    for left, is_free in ((0, False), (1, True)):
        key = KeyHealth()
        key.apply_limits(0, "m", LimitHeaders(requests_left=left, requests_reset_seconds=60))
        assert key.is_unrestricted(1, "m") is is_free


def test_rest_of_one_model_does_not_rest_another() -> None:
    key = KeyHealth()
    rate_limit(key, 100, 36)
    assert (key.wait_seconds(110, "m"), key.wait_seconds(110, "other")) == (26, 0)


def test_learned_limit_is_that_of_one_model() -> None:
    key = KeyHealth()
    for now in range(1, 6):
        serve_key(key, now)
    rate_limit(key, 6, 0)
    assert key.over_limit_seconds(6, "m") == 2 + 60.25 - 6
    assert key.over_limit_seconds(6, "other") == 0


def test_limit_that_was_exceeded_lets_one_further_attempt_in() -> None:
    limit = LearnedLimit()
    for now in range(1, 6):
        limit.begin(now)
        limit.accepted(now)
    limit.begin(6)
    limit.refused(6, 6)
    limit.begin(20)
    limit.accepted(20)
    assert limit.per_minute == 6
    assert limit.wait_seconds(20) == 0
    limit.begin(20)
    assert limit.wait_seconds(20) == 1 + 60.25 - 20


def limited_key() -> KeyHealth:
    """A key that got a 429 after five answers in a minute, and whose rest is over."""
    key = KeyHealth()
    for now in range(5):
        serve_key(key, now)
    rate_limit(key, 5)
    return key


def test_refusal_over_the_limit_leaves_the_places_under_it_in_use() -> None:
    key = limited_key()
    rate_limit(key, 11)
    assert key.wait_seconds(11, "m") == 0


def test_refusal_over_the_limit_rests_the_key_for_its_retry_after() -> None:
    key = limited_key()
    rate_limit(key, 11, 30)
    assert key.wait_seconds(11, "m") == 30


def test_refusal_under_the_limit_rests_the_key() -> None:
    key = limited_key()
    rate_limit(key, 70)
    assert key.wait_seconds(70, "m") > 0
