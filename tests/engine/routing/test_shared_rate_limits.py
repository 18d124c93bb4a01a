"""Rate limits that other processes have learned, and limits that are being tested."""

import pytest

from engine.routing.rate_limits import LearnedLimit, LearnedTokenLimit, LimitDrop
from tests.engine.routing.learned_limits import learned


def test_counts_for_other_processes_are_taken_once() -> None:
    limit, tokens = LearnedLimit(), LearnedTokenLimit()
    for second in range(3):
        limit.begin(second)
        tokens.begin(second, 100)
    for _ in range(2):
        limit.refused(2, 2)
    assert [limit.take_counts(), limit.take_counts()] == [(3, 2), (0, 0)]
    assert [tokens.take_count(), tokens.take_count()] == [300, 0]


def test_adopted_limits_are_tried_after_a_minute() -> None:
    limit, tokens = LearnedLimit(), LearnedTokenLimit()
    limit.adopt(100, 20, 50)
    tokens.adopt(100, 1000)
    for now in (101, 159):
        assert limit.places == 20
        assert tokens.remaining_at(now) == 1000
        limit.wait_seconds(now)
    limit.wait_seconds(160)
    assert limit.places == 21
    assert tokens.remaining_at(160) == pytest.approx(1100)


def test_adopted_limit_that_is_known_is_no_drop() -> None:
    limit = LearnedLimit()
    limit.adopt(0, 20, 50)
    assert limit.take_drop(60) == LimitDrop(20, 50)
    limit.adopt(100, 20, 50)
    assert limit.take_drop(200) is None


def test_places_count_the_attempts_that_try_a_limit() -> None:
    limit = learned(20)
    assert (LearnedLimit().places, limit.places) == (None, 20)
    limit.wait_seconds(81)
    assert limit.places == 21


def test_accepted_attempts_above_a_limit_raise_it_and_let_one_more_through() -> None:
    limit = LearnedLimit()
    limit.adopt(0, 5, 5)
    for _ in range(8):
        limit.begin(1)
    limit.accepted(1)
    assert (limit.per_minute, limit.places) == (8, 9)


def test_refused_tokens_count_those_of_the_same_moment_and_need_no_known_attempt() -> None:
    limit = LearnedTokenLimit()
    limit.count_elsewhere(5, 1)
    limit.refused(6, began_at=5.5)
    assert limit.per_minute == 1
    limit = LearnedTokenLimit()
    limit.begin(5, 300)
    limit.begin(5, 200)
    limit.refused(6, began_at=5)
    assert limit.per_minute == 200
