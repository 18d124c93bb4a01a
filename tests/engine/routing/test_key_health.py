import pytest

from engine.ports import LimitHeaders
from engine.routing.key_health import KeyHealth


def refuse(key: KeyHealth, now: float, told: float | None = None, *, per_day: bool = False) -> None:
    key.use(now)
    key.limited(now, now, told, jitter=1, per_day=per_day)


def serve(key: KeyHealth, now: float) -> None:
    key.use(now)
    key.succeeded(now, now)


def test_a_429_rests_as_told() -> None:
    key = KeyHealth()
    refuse(key, 100, 36)
    assert key.wait_seconds(110) == 26
    assert key.reason(110) == "rate limited (429)"
    assert key.wait_seconds(136) == 0


def test_nothing_told_is_five_seconds_doubling_until_an_answer() -> None:
    key, now, waits = KeyHealth(), 0.0, []
    for _ in range(4):
        refuse(key, now)
        waits.append(key.wait_seconds(now))
        now += waits[-1]
    assert waits == [5, 10, 20, 40]
    serve(key, now)
    refuse(key, now)
    assert key.wait_seconds(now) == 5


def test_thirty_refusals_at_once_are_one_rest() -> None:
    key = KeyHealth()
    for _ in range(30):
        refuse(key, 100)
    assert key.wait_seconds(100) == 5


def test_the_longest_of_several_rests_counts() -> None:
    key = KeyHealth()
    refuse(key, 100, 60)
    refuse(key, 101, 1)
    assert key.wait_seconds(101) == 59


@pytest.mark.parametrize("told", [-5.0, 0.0])
def test_a_rest_that_is_over_is_none(told: float) -> None:
    key = KeyHealth()
    refuse(key, 100, told)
    assert key.wait_seconds(100) == 0


@pytest.mark.parametrize("told", [float("inf"), float("nan")])
def test_a_rest_without_measure_is_as_if_nothing_was_told(told: float) -> None:
    key = KeyHealth()
    refuse(key, 100, told)
    assert key.wait_seconds(100) == 5


def test_a_day_s_quota_rests_long() -> None:
    key = KeyHealth()
    refuse(key, 100, per_day=True)
    assert key.wait_seconds(100) == 600


def test_headers_that_say_nothing_is_left_are_heeded() -> None:
    key = KeyHealth()
    key.heed(100, LimitHeaders(requests_left=0, requests_reset_seconds=6))
    assert (key.wait_seconds(100), key.reason(100)) == (6, "its limit is used up")
    key.heed(100, LimitHeaders(tokens_left=0, tokens_reset_seconds=9))
    assert key.wait_seconds(100) == 9
    key.heed(100, LimitHeaders(requests_left=3, requests_reset_seconds=60))
    assert key.wait_seconds(100) == 9


def test_what_is_told_to_be_left_is_used_up_by_tries_and_begins_anew_with_its_window() -> None:
    key = KeyHealth()
    key.heed(100, LimitHeaders(requests_left=2, requests_reset_seconds=6))
    key.use(100)
    assert key.wait_seconds(100) == 0
    key.use(100)
    assert key.wait_seconds(101) == 5
    assert key.wait_seconds(106) == 0


def test_tokens_that_are_left_are_used_up_by_what_tries_are_expected_to_take() -> None:
    key = KeyHealth()
    key.heed(100, LimitHeaders(tokens_left=5000, tokens_reset_seconds=6))
    key.use(100, tokens=5000)
    assert (key.wait_seconds(100), key.reason(100)) == (6, "its limit is used up")


def test_a_refused_key_waits_for_its_owner() -> None:
    key = KeyHealth()
    key.refused(100, "key refused")
    assert key.needs_mending
    assert key.wait_seconds(10**6) > 0
    key.mend()
    assert key.wait_seconds(100) == 0


def test_an_answer_begun_before_the_refusal_does_not_mend() -> None:
    key = KeyHealth()
    key.use(90)
    key.refused(100, "balance gone")
    key.succeeded(110, 90)
    assert key.needs_mending
    key.succeeded(120, 115)
    assert not key.needs_mending
