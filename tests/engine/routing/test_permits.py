"""The values that health and its callers exchange."""

from engine.routing.permits import HealthPolicy


def test_patience_is_longer_for_a_model_that_thinks_first() -> None:
    policy = HealthPolicy(first_token_seconds=20, first_token_seconds_thinking=90)
    assert [policy.patience_seconds(thinks=thinks) for thinks in (False, True)] == [20, 90]


def test_patience_with_thinking_is_never_below_that_without() -> None:
    assert HealthPolicy(first_token_seconds=200).patience_seconds(thinks=True) == 200
