"""Counts and durations of attempts in this process."""

from engine.attempt_record import UNREAD
from tests.builders import attempt
from web.attempt_metrics import AttemptMetrics, Distribution, Histogram
from web.metrics import attempt_lines


def test_later_attempts_of_a_prompt_are_retries() -> None:
    made = AttemptMetrics()
    for ordinal in (1, 2, 3):
        made.attempt_ended(attempt(provider="a", ordinal=ordinal), (), "chat")
    assert dict(made.retries) == {"a": 2}
    assert 'farthing_retries_total{provider="a"} 2' in list(attempt_lines(made))


def test_rest_of_a_bill_is_no_attempt() -> None:
    made = AttemptMetrics()
    made.attempt_ended(attempt(provider="a", ordinal=2, outcome=UNREAD), (), "chat")
    assert not made.retries
    assert not list(made.durations.distributions())


def test_attempt_without_content_has_no_first_token() -> None:
    made = AttemptMetrics()
    made.attempt_ended(attempt(provider="a", outcome="overloaded", first_token_ms=None, duration_ms=1500), (), "chat")
    [(labels, found)] = made.durations.distributions()
    assert (labels, found.count, found.total) == ({"provider": "a", "outcome": "overloaded"}, 1, 1.5)
    assert not list(made.first_tokens.distributions())


def test_sample_on_a_bound_is_within_it() -> None:
    made = Histogram(("provider",), (0.5, 1.0))
    for value in (0.5, 0.75, 1.0, 1.25):
        made.observe(("a",), value)
    assert list(made.distributions()) == [({"provider": "a"}, Distribution([1, 3], 4, 3.5))]


def test_distributions_are_kept_apart_and_sorted_by_label() -> None:
    made = Histogram(("provider", "outcome"), (1.0,))
    made.observe(("b", "x"), 2)
    made.observe(("a", "y"), 0)
    assert [(labels, found.within) for labels, found in made.distributions()] == [
        ({"provider": "a", "outcome": "y"}, [1]),
        ({"provider": "b", "outcome": "x"}, [0]),
    ]
