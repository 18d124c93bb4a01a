from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.routing.breaker import Breaker


def opened() -> Breaker:
    breaker = Breaker(failures_to_open=5, rest_seconds=60)
    for _ in range(5):
        breaker.failed(100, probe=False)
    return breaker


def test_five_failures_in_a_row_open_it() -> None:
    breaker = Breaker(5, 60)
    for _ in range(4):
        breaker.failed(0, probe=False)
    assert breaker.left_seconds(0) == 0
    breaker.failed(0, probe=False)
    assert breaker.is_open
    assert breaker.left_seconds(15) == 45


def test_one_success_starts_the_count_anew() -> None:
    breaker = Breaker(5, 60)
    for _ in range(4):
        breaker.failed(0, probe=False)
    breaker.succeeded(0, probe=False)
    breaker.failed(0, probe=False)
    assert not breaker.is_open


def mostly_failing(fours: int) -> Breaker:
    breaker = Breaker(5, 60)
    for _ in range(fours):
        breaker.succeeded(0, probe=False)
        for _ in range(4):
            breaker.failed(0, probe=False)
    return breaker


def test_four_fifths_of_a_busy_minute_open_it_too() -> None:
    assert mostly_failing(4).is_open


def test_four_fifths_of_a_quiet_minute_do_not() -> None:
    assert not mostly_failing(3).is_open


def test_every_other_try_failing_is_the_planners_to_weigh() -> None:
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


def test_failures_still_in_flight_do_not_prolong_the_rest() -> None:
    breaker = opened()
    breaker.failed(150, probe=False)
    assert breaker.left_seconds(160) == 0


def test_an_answer_begun_before_the_outage_does_not_close_it() -> None:
    breaker = opened()
    breaker.succeeded(101, probe=False)
    assert breaker.is_open


def test_a_good_probe_closes_it_and_forgets_the_outage() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.succeeded(160, probe=True)
    assert not breaker.is_open
    assert not breaker.probing
    breaker.failed(161, probe=False)
    assert not breaker.is_open


def test_a_failed_probe_means_another_rest() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.failed(160, probe=True)
    assert breaker.left_seconds(160) == 60
    assert not breaker.probing


def test_a_probe_that_fails_after_it_was_mended_is_one_failure_like_any_other() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.close()
    breaker.failed(160, probe=True)
    assert not breaker.is_open


class BreakerMachine(RuleBasedStateMachine):
    """Beside a model in words: open exactly from the fifth failure in a row (rates kept low) to a good probe."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(5, 60)
        self.now = 0.0
        self.in_a_row = 0
        self.minute: list[bool] = []  # failures and successes since the clock last moved by over a minute
        self.usual = (0.0, 0.0)
        self.open_until: float | None = None

    def is_unlikely(self) -> bool:
        """Five in a row; more where it was flaky before, as was seen within two minutes."""
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
    def a_try_fails(self) -> None:
        self.breaker.failed(self.now, probe=False)
        self.in_a_row += 1
        self.minute.append(True)
        if self.is_unlikely() or (len(self.minute) >= 20 and sum(self.minute) >= 0.8 * len(self.minute)):
            self.open_until = self.now + 60

    @precondition(lambda self: self.open_until is None)
    @rule()
    def a_try_succeeds(self) -> None:
        self.breaker.succeeded(self.now, probe=False)
        self.in_a_row = 0
        self.minute.append(False)

    @precondition(lambda self: self.open_until is not None)
    @rule(good=st.booleans())
    def one_from_before_ends(self, good: bool) -> None:
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
    def it_is_mended(self) -> None:
        self.breaker.close()
        self.in_a_row = 0
        self.minute = []

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        assert self.breaker.is_open is (self.open_until is not None)
        left = max(0.0, self.open_until - self.now) if self.open_until is not None else 0.0
        assert self.breaker.left_seconds(self.now) == left
        assert not self.breaker.probing


TestBreaker = BreakerMachine.TestCase


def test_a_flaky_provider_is_not_taken_for_a_dead_one() -> None:
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


def test_that_it_became_flaky_is_seen_within_twenty_tries() -> None:
    breaker = Breaker(5, 60)
    for _ in range(400):
        breaker.succeeded(0, probe=False)
    flaky(breaker, 20)
    fail(breaker, 6, 30)
    assert not breaker.is_open


def test_a_rest_does_not_forget_that_it_was_flaky() -> None:
    breaker = Breaker(5, 60)
    flaky(breaker, 0)
    fail(breaker, 17, 10)
    assert breaker.is_open
    breaker.succeeded(70, probe=True)
    fail(breaker, 8, 80)
    assert not breaker.is_open


def test_what_was_flaky_minutes_ago_is_out_after_five_failures_as_everybody_is() -> None:
    breaker = Breaker(5, 60)
    flaky(breaker, 0)
    fail(breaker, 17, 10)
    breaker.succeeded(70, probe=True)
    fail(breaker, 5, 200)
    assert breaker.is_open
