from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.routing.offer_health import Breaker


def opened() -> Breaker:
    breaker = Breaker(failures_to_open=5, rest_seconds=60)
    for _ in range(5):
        breaker.failed(100, probe=False)
    return breaker


def test_five_failures_in_a_row_open_the_breaker() -> None:
    breaker = Breaker(5, 60)
    for _ in range(4):
        breaker.failed(0, probe=False)
    assert breaker.wait_seconds(0) == 0
    breaker.failed(0, probe=False)
    assert breaker.is_open
    assert breaker.wait_seconds(15) == 45


def test_one_success_resets_the_count_of_failures() -> None:
    breaker = Breaker(5, 60)
    for _ in range(4):
        breaker.failed(0, probe=False)
    breaker.succeeded(0, probe=False)
    breaker.failed(0, probe=False)
    assert not breaker.is_open


def mostly_failing(rounds: int) -> Breaker:
    breaker = Breaker(5, 60)
    for _ in range(rounds):
        breaker.succeeded(0, probe=False)
        for _ in range(4):
            breaker.failed(0, probe=False)
    return breaker


def test_four_failures_in_five_attempts_of_a_busy_minute_open_the_breaker() -> None:
    assert mostly_failing(4).is_open


def test_four_failures_in_five_attempts_of_a_quiet_minute_do_not() -> None:
    assert not mostly_failing(3).is_open


def test_every_second_attempt_failing_does_not_open_the_breaker() -> None:
    breaker = Breaker(5, 60)
    for _ in range(50):
        breaker.succeeded(0, probe=False)
        breaker.failed(0, probe=False)
    assert not breaker.is_open


def test_failures_of_an_hour_ago_are_forgotten() -> None:
    breaker = Breaker(5, 60)
    for number in range(200):
        breaker.failed(number * 10, probe=False)
        breaker.succeeded(number * 10, probe=False)
    assert not breaker.is_open


def test_failures_of_attempts_in_flight_do_not_prolong_the_rest() -> None:
    breaker = opened()
    breaker.failed(150, probe=False)
    assert breaker.wait_seconds(160) == 0


def test_success_that_is_not_a_probe_does_not_close_an_open_breaker() -> None:
    breaker = opened()
    breaker.succeeded(101, probe=False)
    assert breaker.is_open


def test_good_probe_closes_the_breaker_and_resets_the_count() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.succeeded(160, probe=True)
    assert not breaker.is_open
    assert not breaker.probing
    breaker.failed(161, probe=False)
    assert not breaker.is_open


def test_failed_probe_begins_another_rest() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.failed(160, probe=True)
    assert breaker.wait_seconds(160) == 60
    assert not breaker.probing


def test_probe_that_fails_after_the_breaker_was_closed_is_one_ordinary_failure() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.close()
    breaker.failed(160, probe=True)
    assert not breaker.is_open


class BreakerMachine(RuleBasedStateMachine):
    """Compared with a model: open exactly from the fifth unlikely failure in a row to a good probe."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(5, 60)
        self.now = 0.0
        self.in_a_row = 0
        self.minute: list[bool] = []  # True for each failure since the clock last moved by over a minute
        self.usual = (0.0, 0.0)
        self.open_until: float | None = None

    def is_unlikely(self) -> bool:
        """Five in a row; more in a row where the provider was flaky within the last two minutes."""
        if self.in_a_row < 5:
            return False
        before = self.minute[: -self.in_a_row]
        if len(before) >= 20:
            self.usual = max(sum(before) / len(before), sum(before[-20:]) / 20), self.now
        share, seen_at = self.usual
        return self.now - seen_at > 120 or min(share, 0.99) ** self.in_a_row <= 1e-5

    @rule(seconds=st.floats(61, 500))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.minute = []

    @precondition(lambda self: self.open_until is None)
    @rule()
    def an_attempt_fails(self) -> None:
        self.breaker.failed(self.now, probe=False)
        self.in_a_row += 1
        self.minute.append(True)
        if self.is_unlikely() or (len(self.minute) >= 20 and sum(self.minute) >= 0.8 * len(self.minute)):
            self.open_until = self.now + 60

    @precondition(lambda self: self.open_until is None)
    @rule()
    def an_attempt_succeeds(self) -> None:
        self.breaker.succeeded(self.now, probe=False)
        self.in_a_row = 0
        self.minute.append(False)

    @precondition(lambda self: self.open_until is not None)
    @rule(good=st.booleans())
    def an_attempt_in_flight_ends(self, good: bool) -> None:
        self.minute.append(not good)
        (self.breaker.succeeded if good else self.breaker.failed)(self.now, probe=False)

    @precondition(lambda self: self.open_until is not None and self.now >= self.open_until)
    @rule(good=st.booleans())
    def a_probe_ends(self, good: bool) -> None:
        self.breaker.probing = True
        (self.breaker.succeeded if good else self.breaker.failed)(self.now, probe=True)
        self.open_until = None if good else self.now + 60
        self.in_a_row = 0 if good else self.in_a_row
        self.minute = [] if good else [*self.minute, True]

    @precondition(lambda self: self.open_until is None)
    @rule()
    def it_is_closed_by_hand(self) -> None:
        self.breaker.close()
        self.in_a_row = 0
        self.minute = []

    @invariant()
    def breaker_agrees_with_the_model(self) -> None:
        assert self.breaker.is_open is (self.open_until is not None)
        left = max(0.0, self.open_until - self.now) if self.open_until is not None else 0.0
        assert self.breaker.wait_seconds(self.now) == left
        assert not self.breaker.probing


TestBreaker = BreakerMachine.TestCase


def test_flaky_provider_needs_a_longer_run_of_failures() -> None:
    breaker = Breaker(5, 60)
    for number in range(40):
        (breaker.failed if number % 3 == 0 else breaker.succeeded)(0, probe=False)
    for _ in range(5):
        breaker.failed(1, probe=False)
    assert not breaker.is_open
    for _ in range(8):
        breaker.failed(1, probe=False)
    assert breaker.is_open


def flaky(breaker: Breaker, now: float) -> None:
    for _ in range(20):
        breaker.succeeded(now, probe=False)
        breaker.failed(now, probe=False)


def fail(breaker: Breaker, times: int, now: float) -> None:
    for _ in range(times):
        breaker.failed(now, probe=False)


def test_flakiness_is_noticed_within_twenty_attempts() -> None:
    breaker = Breaker(5, 60)
    for _ in range(400):
        breaker.succeeded(0, probe=False)
    flaky(breaker, 20)
    fail(breaker, 6, 30)
    assert not breaker.is_open


def test_flakiness_is_remembered_over_a_rest() -> None:
    breaker = Breaker(5, 60)
    flaky(breaker, 0)
    fail(breaker, 17, 10)
    assert breaker.is_open
    breaker.succeeded(70, probe=True)
    fail(breaker, 8, 80)
    assert not breaker.is_open


def test_flakiness_of_some_minutes_ago_is_forgotten() -> None:
    breaker = Breaker(5, 60)
    flaky(breaker, 0)
    fail(breaker, 17, 10)
    breaker.succeeded(70, probe=True)
    fail(breaker, 5, 200)
    assert breaker.is_open


def test_outcome_of_exactly_a_minute_ago_no_longer_counts() -> None:
    for age, is_open in ((59, True), (60, False)):
        breaker = mostly_failing(4)
        breaker.close()
        for _ in range(4):
            breaker.failed(0, probe=False)
        breaker.succeeded(0, probe=False)
        for _ in range(3):
            fail(breaker, 4, age)
            breaker.succeeded(age, probe=False)
        assert not breaker.is_open
        fail(breaker, 4, age)
        assert breaker.is_open is is_open


def test_open_breaker_counts_failures_but_rests_no_longer() -> None:
    breaker = opened()
    breaker.failed(170, probe=False)
    assert (breaker.failures, breaker.wait_seconds(159), breaker.wait_seconds(161)) == (6, 1, 0)


def test_released_probe_allows_another() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.release_probe()
    assert (breaker.is_open, breaker.probing) == (True, False)


def test_twenty_attempts_show_that_a_provider_is_flaky() -> None:
    for rounds, is_open in ((10, False), (9, True)):
        breaker = Breaker(5, 60)
        for _ in range(rounds):
            breaker.failed(0, probe=False)
            breaker.succeeded(0, probe=False)
        fail(breaker, 5, 1)
        assert breaker.is_open is is_open


def test_flakiness_is_remembered_for_a_rest_and_a_minute() -> None:
    for now, is_open in ((120, False), (120.5, True)):
        breaker = Breaker(5, 60)
        flaky(breaker, 0)
        fail(breaker, 5, 0)
        assert not breaker.is_open
        fail(breaker, 1, now)
        assert breaker.is_open is is_open
