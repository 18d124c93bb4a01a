"""Attempts at an offer during a rest: when they show that it may have recovered, and which failures are heard."""

import pytest

from engine.routing.breaker import Breaker
from engine.routing.offer_health import OfferHealth


@pytest.mark.parametrize(
    ("begun", "now", "outlives"),
    [
        ([], 20, False),
        ([10], 14.0, False),
        ([10], 14.1, True),
        ([10, 14], 14.1, True),
        ([10, 11, 12, 13, 14], 14.1, True),
        ([10, 11, 12, 13, 14, 14], 14.1, False),
        ([9], 30, False),
    ],
)
def test_attempts_during_a_rest_outlive_twice_the_time_of_a_failure(
    begun: list[float], now: float, *, outlives: bool
) -> None:
    health = OfferHealth(Breaker(5, 60))
    health.failed(5, 3, number=0, probe=False, was_alive=False, patience_seconds=20)
    health.failed(9, 1, number=0, probe=False, was_alive=True, patience_seconds=20)
    for number, at in enumerate(begun, start=1):
        health.pending.begin(number, at)
    assert health.outlives_failures(now, opened_at=10) is outlives


def test_probe_that_ended_the_outage_is_heard_when_it_is_cut_and_older_attempts_are_not() -> None:
    health = OfferHealth(Breaker(5, 60))
    for now in range(5):
        health.failed(now, now, number=0, probe=False, was_alive=False, patience_seconds=20)
    health.succeeded(10, 9, number=7, probe=True)
    chance = health.track.failure_chance(10)
    for number, is_heard in ((6, False), (7, True)):
        health.failed(10, 9, number=number, probe=False, was_alive=True, patience_seconds=20)
        assert (health.track.failure_chance(10) > chance) is is_heard
