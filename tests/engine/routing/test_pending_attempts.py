"""Attempts that wait for their first token: late ones, hopeful ones, and a silence that is no chance."""

from collections.abc import Callable

import pytest

from engine.routing.pending_attempts import PendingAttempts


def waiting_chance(seconds: float) -> float:
    """Return the chance of a wait where a first token takes up to a second, any time being equally likely."""
    return max(0.02, 1 - seconds)


def begun(*times: float) -> PendingAttempts:
    pending = PendingAttempts()
    for number, at in enumerate(times):
        pending.begin(number, at)
    return pending


@pytest.mark.parametrize(
    ("begun_at", "is_silent"),
    [((), False), ((0,), False), ((0, 0.1), False), ((0, 0.1, 0.2), True), ((0, 0.1, 1.0, 1.0), False)],
)
def test_several_long_waits_together_are_a_silence(begun_at: tuple[float, ...], *, is_silent: bool) -> None:
    assert begun(*begun_at).is_silent(1.3, waiting_chance) is is_silent


def test_many_shorter_waits_are_a_silence_too() -> None:
    counts = [begun(*([0.2] * count)).is_silent(1, waiting_chance) for count in (7, 8, 100)]
    assert counts == [False, True, True]


def test_answer_ends_the_silence_of_the_attempts_before_it() -> None:
    pending = begun(0, 0.1, 0.2, 0.3)
    pending.answered(3)
    assert not pending.is_silent(2, waiting_chance)


def test_attempts_that_may_think_are_no_silence() -> None:
    pending = begun(0, 0.1, 0.2)
    for number in range(3):
        pending.think(number, 20)
    assert not pending.is_silent(9, waiting_chance)


def test_first_token_clears_earlier_attempts_too() -> None:
    pending = PendingAttempts()
    for number, now in ((1, 0.0), (2, 1.0), (3, 2.0)):
        pending.begin(number, now)
    pending.answered(2)
    assert pending.hopeful(10, 100) == [2.0]


def test_unknown_attempt_clears_nothing() -> None:
    pending = PendingAttempts()
    pending.begin(1, 0)
    pending.answered(7)
    assert pending.late(1, 1) == 1


def test_attempt_that_thinks_is_late_after_its_own_time() -> None:
    pending = PendingAttempts()
    for number in (1, 2):
        pending.begin(number, 0)
    pending.think(1, 20)
    assert [pending.late(now, 2) for now in (1, 2, 19, 20)] == [0, 1, 1, 2]
    assert [pending.hopeful(now, 2) for now in (1, 2, 20)] == [[0, 0], [0], []]


def test_time_to_think_never_shortens_the_usual_one() -> None:
    pending = PendingAttempts()
    pending.begin(1, 0)
    pending.think(1, 20)
    assert (pending.late(30, 40), pending.hopeful(30, 40)) == (0, [0])


@pytest.mark.parametrize("end", [PendingAttempts.end, PendingAttempts.answered])
def test_time_to_think_ends_with_its_attempt(end: Callable[[PendingAttempts, int], None]) -> None:
    pending = PendingAttempts()
    pending.begin(1, 0)
    pending.think(1, 20)
    end(pending, 1)
    pending.think(1, 20)
    pending.begin(1, 0)
    assert pending.late(2, 2) == 1


def test_end_of_an_unknown_attempt_changes_nothing() -> None:
    pending = PendingAttempts()
    pending.begin(1, 0)
    pending.end(7)
    assert pending.hopeful(0, 1) == [0]


def test_lateness_counts_from_the_begin_of_each_attempt() -> None:
    pending = PendingAttempts()
    pending.begin(1, 10)
    pending.think(1, 20)
    assert [pending.late(now, 2) for now in (29, 30)] == [0, 1]
    assert [pending.hopeful(now, 2) for now in (29, 30)] == [[10], []]


def test_attempt_that_does_not_think_has_no_time_beyond_the_given_one() -> None:
    pending = PendingAttempts()
    pending.begin(1, 0)
    assert (pending.late(0.5, 0.2), pending.hopeful(0.5, 0.2)) == (1, [])


def test_lateness_is_read_from_the_begin_not_from_zero() -> None:
    pending = begun(100, 101)
    assert [pending.late(now, 2) for now in (101.9, 102, 103)] == [0, 1, 2]
