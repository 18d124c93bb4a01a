"""Tests of a learned limit that come sooner, because the next offer is dear."""

from engine.routing.rate_limits import LearnedLimit
from tests.engine.routing.learned_limits import learned, refuse, serve


def test_test_where_the_next_offer_is_dear_is_due_after_25_accepted_requests() -> None:
    limit = learned(20)
    refuse(limit, 21)
    for number in range(24):
        serve(limit, 22 + number)
    assert not limit.may_be_tested(90)
    serve(limit, 90)
    assert limit.may_be_tested(91)


def test_limit_that_was_just_learned_is_not_tested_for_ten_seconds() -> None:
    limit = learned(20)
    assert not limit.may_be_tested(29)
    assert limit.may_be_tested(31)


def raised(limit: LearnedLimit, most: int) -> float:
    """Raise a limit of 20 by requests that are accepted at once, from second 31 on; return the time."""
    now = 31.0
    while (limit.per_minute or 0) < most:
        now += 0.5 if limit.wait_seconds(now) > 0 else 0.1
        if limit.wait_seconds(now) <= 0:
            serve(limit, now)
    return now


def test_second_refusal_soon_after_a_raise_ends_it_because_the_providers_minute_differs() -> None:
    limit = learned(20)
    now = raised(limit, 34)
    refuse(limit, now + 1)
    assert limit.per_minute is not None
    assert limit.per_minute > 30
    refuse(limit, now + 2)
    assert limit.per_minute == 20


def test_raise_to_over_twice_the_limit_is_ended_at_half_of_it() -> None:
    limit = learned(20)
    now = raised(limit, 60)
    refuse(limit, now + 1)
    most = limit.per_minute
    assert most is not None
    refuse(limit, now + 2)
    assert limit.per_minute == most // 2


def test_second_refusal_long_after_a_raise_is_one_like_any_other() -> None:
    limit = learned(20)
    now = raised(limit, 34)
    refuse(limit, now + 1)
    for step in range(30):
        serve(limit, now + 61 + step)
    refuse(limit, now + 91)
    assert limit.per_minute == 30
