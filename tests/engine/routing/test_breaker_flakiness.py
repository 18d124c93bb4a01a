"""The breaker of an offer that fails occasionally: its usual failure rate is considered."""

from engine.routing.breaker import Breaker


def mostly_failing(rounds: int) -> Breaker:
    breaker = Breaker(5, 60)
    for _ in range(rounds):
        breaker.succeeded(0, 0, probe=False)
        for _ in range(4):
            breaker.failed(0, 0, probe=False)
    return breaker


def test_four_failures_in_five_attempts_of_a_busy_minute_open_the_breaker() -> None:
    assert mostly_failing(4).is_open


def test_four_failures_in_five_attempts_of_a_quiet_minute_do_not() -> None:
    assert not mostly_failing(3).is_open


def test_flaky_provider_needs_a_longer_run_of_failures() -> None:
    breaker = Breaker(5, 60)
    for number in range(40):
        (breaker.failed if number % 3 == 0 else breaker.succeeded)(number / 100, number / 100)
    for _ in range(5):
        breaker.failed(1, 1, probe=False)
    assert not breaker.is_open
    for _ in range(8):
        breaker.failed(1, 1, probe=False)
    assert breaker.is_open


def flaky(breaker: Breaker, now: float) -> None:
    for _ in range(20):
        breaker.succeeded(now, now, probe=False)
        breaker.failed(now, now, probe=False)


def fail(breaker: Breaker, times: int, now: float) -> None:
    for _ in range(times):
        breaker.failed(now, now, probe=False)


def test_flakiness_is_noticed_within_twenty_attempts() -> None:
    breaker = Breaker(5, 60)
    for _ in range(400):
        breaker.succeeded(0, 0, probe=False)
    flaky(breaker, 20)
    fail(breaker, 6, 30)
    assert not breaker.is_open


def test_flakiness_is_remembered_over_a_rest() -> None:
    breaker = Breaker(5, 60)
    flaky(breaker, 0)
    fail(breaker, 17, 10)
    assert breaker.is_open
    breaker.succeeded(70, 70, probe=True)
    fail(breaker, 8, 80)
    assert not breaker.is_open


def test_flakiness_of_some_minutes_ago_is_forgotten() -> None:
    breaker = Breaker(5, 60)
    flaky(breaker, 0)
    fail(breaker, 17, 10)
    breaker.succeeded(70, 70, probe=True)
    fail(breaker, 5, 200)
    assert breaker.is_open


def test_outcome_of_exactly_a_minute_ago_no_longer_counts() -> None:
    for age, is_open in ((59, True), (60, False)):
        breaker = mostly_failing(4)
        breaker.close(0)
        for _ in range(4):
            breaker.failed(0, 0, probe=False)
        breaker.succeeded(0, 0, probe=False)
        for _ in range(3):
            fail(breaker, 4, age)
            breaker.succeeded(age, age, probe=False)
        assert not breaker.is_open
        fail(breaker, 4, age)
        assert breaker.is_open is is_open


def test_flakiness_before_a_long_rest_counts_after_it() -> None:
    breaker = Breaker(5, 60)
    flaky(breaker, 0)
    fail(breaker, 17, 10)
    breaker.succeeded(150, 150, probe=True)
    fail(breaker, 8, 200)
    assert not breaker.is_open


def test_twenty_attempts_are_enough_to_know_the_usual_failure_share() -> None:
    breaker = Breaker(5, 60)
    for _ in range(10):
        breaker.failed(1, 1)
        breaker.succeeded(1, 1)
    fail(breaker, 5, 2)
    assert not breaker.is_open
    assert breaker.usual_failure_share == 0.5


def test_latest_twenty_outcomes_are_kept_however_old() -> None:
    breaker = Breaker(failures_to_open=20, rest_seconds=60)
    for number in range(20):
        breaker.failed(number * 300, number * 300)
    assert breaker.is_open
