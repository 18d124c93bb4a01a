from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.routing.breaker import Breaker


class BreakerMachine(RuleBasedStateMachine):
    """A comparison with a model, one attempt at a time: open from an unlikely run of failures to a good probe."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(5, 60)
        self.now = 0.0
        self.in_a_row = 0
        self.minute: list[bool] = []  # True for each failure since the clock last moved by over a minute
        self.usual = (0.0, -1e9)
        self.open_until: float | None = None
        self.rest = 5.0

    def is_unlikely(self) -> bool:
        """Return True for five failures in a row, or more if the offer was flaky within the last two minutes."""
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
        self.now += 0.001
        self.breaker.failed(self.now, self.now)
        self.in_a_row += 1
        self.minute.append(True)
        if self.is_unlikely() or (len(self.minute) >= 20 and sum(self.minute) >= 0.8 * len(self.minute)):
            self.open_until, self.rest = self.now + 5, 10.0

    @precondition(lambda self: self.open_until is None)
    @rule()
    def an_attempt_succeeds(self) -> None:
        self.now += 0.001
        self.breaker.succeeded(self.now, self.now)
        self.in_a_row = 0
        self.minute.append(False)

    @precondition(lambda self: self.open_until is not None)
    @rule(good=st.booleans())
    def an_attempt_in_flight_ends(self, good: bool) -> None:
        (self.breaker.succeeded if good else self.breaker.failed)(self.now, self.now)

    @precondition(lambda self: self.open_until is not None and self.now >= self.open_until)
    @rule(good=st.booleans())
    def a_probe_ends(self, good: bool) -> None:
        self.now += 0.001
        self.breaker.probing = True
        (self.breaker.succeeded if good else self.breaker.failed)(self.now, self.now, probe=True)
        if good:
            self.open_until, self.in_a_row, self.minute = None, 0, [False]
            self.usual = (self.usual[0], max(self.now, self.usual[1]) if self.usual[0] else self.usual[1])
        else:
            self.open_until, self.rest = self.now + self.rest, min(60.0, self.rest * 2)

    @invariant()
    def breaker_agrees_with_the_model(self) -> None:
        assert self.breaker.is_open is (self.open_until is not None)
        left = max(0.0, self.open_until - self.now) if self.open_until is not None else 0.0
        assert self.breaker.wait_seconds(self.now) == left
        assert not self.breaker.probing


TestBreaker = BreakerMachine.TestCase
