"""Counts and durations of attempts in this process."""

from engine.attempt_record import UNREAD
from tests.builders import attempt
from web.attempt_metrics import AttemptMetrics


def test_later_attempts_of_a_prompt_are_retries() -> None:
    made = AttemptMetrics()
    for ordinal in (1, 2, 3):
        made.attempt_ended(attempt(provider="a", ordinal=ordinal), (), "chat")
    assert dict(made.retries) == {"a": 2}
    assert 'farthing_retries_total{provider="a"} 2' in list(made.lines())


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
