"""Breakers computed from the journal."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush

import pytest

from engine.catalog.offers import Offer
from engine.errors import Overloaded, ProviderError, StreamCut, Unreachable
from engine.routing.health import Health, HealthPolicy, Permit, State
from scheduler.journal_replay import Failures, ProviderReplay, longest_answer, replay
from storage.reports.journal import JournaledAttempt, OpenRequest
from tests.scheduler.conftest import NOW, HandClock

POLICY = HealthPolicy()


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@dataclass
class Lines:
    """Journaled attempts, with their times in seconds."""

    lines: list[JournaledAttempt] = field(default_factory=list)

    def add(
        self,
        began: float,
        ended: float,
        outcome: str = "overloaded",
        *,
        model: str = "m",
        good: float | None = None,
        request: str = "",
    ) -> None:
        number = len(self.lines) + 1
        name, token = request or f"r{number}", None if good is None else at(good)
        self.lines.append(JournaledAttempt(number, name, model, outcome, 503, at(began), token, at(ended)))

    def failures(self, times: int, start: float = 0.0, outcome: str = "overloaded", model: str = "m") -> None:
        for number in range(times):
            self.add(start + number, start + number + 0.5, outcome, model=model)

    def read(self, requests: Iterable[OpenRequest] = ()) -> ProviderReplay:
        return replay(self.lines, requests, 5, POLICY)


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_five_failures_in_a_row_are_an_outage_of_their_offer_alone(lines: Lines) -> None:
    lines.failures(4)
    lines.add(4, 9, "answered", model="well", good=4.2)
    assert not lines.read().offers["m"].is_down
    lines.failures(1, start=4.1)
    found = lines.read()
    assert found.offers["m"].is_down
    assert not found.is_down
    assert not found.offers["well"].is_down
    assert found.failures("m") == Failures(5, 0, at(0), "overloaded", 503)


def test_answer_counts_at_its_first_token_and_not_at_its_start_or_end(lines: Lines) -> None:
    """The first attempt began before the failures and ended after them; the second one began last."""
    lines.failures(6)
    lines.add(0.1, 60, "answered", good=3.7)
    assert lines.read().offers["m"].is_down, "it began before five of the failures, so it says nothing about them"
    lines.lines.pop()
    lines.add(3.6, 60, "answered", good=4.2)
    assert not lines.read().offers["m"].is_down


def test_slow_success_under_way_delays_an_outage(lines: Lines) -> None:
    lines.failures(5)
    lines.add(2.5, 8, "answered", good=6)
    assert not lines.read().offers["m"].is_down


def test_cut_answer_is_a_failure_of_a_run(lines: Lines) -> None:
    lines.failures(4)
    lines.add(4, 6, "cut", good=4.2)
    found = lines.read()
    assert found.offers["m"].is_down
    assert found.failures("m").count == 5
    assert found.failures("m").last_outcome == "cut"


def test_open_request_that_may_be_answered_here_delays_an_outage(lines: Lines) -> None:
    lines.failures(5)
    assert not lines.read([OpenRequest("pending", at(2.5))]).offers["m"].is_down
    assert lines.read([OpenRequest("later", at(4.7))]).offers["m"].is_down
    assert not lines.read([OpenRequest("r2", at(1))]).offers["m"].is_down, "it may repeat its attempt"
    assert lines.read([OpenRequest("r5", at(4))]).offers["m"].is_down


def test_only_an_attempt_begun_after_the_outage_ends_it(lines: Lines) -> None:
    lines.failures(5)
    lines.add(4.4, 10, "answered", good=5)
    assert lines.read().offers["m"].is_down
    lines.add(11, 12, "timeout")
    found = lines.read()
    assert not found.offers["m"].has_recovered
    assert (found.failures("m").count, found.failures("m").last_outcome) == (6, "timeout")
    lines.add(20, 30, "answered", good=20.5)
    found = lines.read()
    assert found.offers["m"].has_recovered
    assert found.offers["m"].good_at == at(20.5)
    lines.add(4.45, 40, "answered", good=25)
    assert lines.read().offers["m"].good_at == at(20.5), "an answer that began before the outage says nothing after it"
    assert found.failures("m") == Failures()
    assert found.was_down_since("m", at(20.4))
    assert not found.was_down_since("m", at(20.6))


def test_failure_after_the_recovery_is_no_recovery(lines: Lines) -> None:
    lines.failures(5)
    lines.add(20, 30, "answered", good=20.5)
    lines.add(31, 32)
    found = lines.read().offers["m"]
    assert (found.is_down, found.has_recovered) == (False, False)


def test_busy_minute_of_failures_counts_all_of_them(lines: Lines) -> None:
    for second in range(24):
        lines.add(second, second + 0.5, "answered" if second % 5 == 4 else "timeout")
    found = lines.read()
    assert found.offers["m"].is_down
    assert found.failures("m").count == 20


@pytest.mark.parametrize(("seconds", "is_down"), [(60, True), (61, False)])
def test_two_offers_down_within_a_minute_are_one_outage(lines: Lines, seconds: int, *, is_down: bool) -> None:
    lines.failures(5)
    lines.failures(5, start=seconds - 1, model="n")
    found = lines.read()
    assert found.offers["n"].is_down
    assert found.is_down is is_down
    if is_down:
        assert found.failures().count == 10


def test_failed_connections_are_an_outage_of_the_provider(lines: Lines) -> None:
    for number in range(5):
        lines.add(number, number + 0.5, "unreachable", model="mn"[number % 2])
    found = lines.read()
    assert found.is_down
    assert found.failures().count == 5
    assert not found.has_recovered
    lines.add(9, 10, "answered", good=9.1, model="n")
    found = lines.read()
    assert found.has_recovered
    assert found.good_at == at(9.1)


def test_refused_key_stands_until_a_later_attempt_answers(lines: Lines) -> None:
    lines.add(0, 1, "key_refused")
    lines.add(0.5, 3, "answered", good=2)
    assert [each.outcome for each in lines.read().refused] == ["key_refused"]
    assert not lines.read().has_recovered
    lines.add(4, 5, "answered", good=4.5)
    assert lines.read().refused == []
    assert lines.read().has_recovered


def test_rate_limits_since_the_latest_success_are_counted(lines: Lines) -> None:
    lines.add(0, 1, "rate_limited")
    lines.add(1, 2, "answered", good=1.5)
    for second in (2, 3):
        lines.add(second, second + 0.5, "rate_limited")
    found = lines.read()
    assert found.failures("m") == Failures(rate_limited=2)
    assert found.failures() == Failures(rate_limited=2)


def test_recent_attempts_leave_out_those_that_say_nothing(lines: Lines) -> None:
    lines.add(0, 1, "timeout")
    for outcome, good in (("answered", 10.5), ("cut", 10.6), ("abandoned", None), ("rate_limited", None)):
        lines.add(10, 11, outcome, good=good)
    lines.add(10, 11, "cut", good=None)
    lines.add(12, 13, "timeout")
    found = lines.read().offers["m"].recent(at(1.5), at(11))
    assert (found.count, found.failed, found.failed_between, found.usual_outcome) == (3, 2, 0, "cut")
    assert lines.read().offers["m"].recent(at(1), at(12)).count == 5


@pytest.mark.parametrize(("seconds", "expected"), [(3, 20), (45, 45), (500, 120)])
def test_request_may_be_answered_for_as_long_as_answers_take(lines: Lines, seconds: int, expected: int) -> None:
    lines.add(0, seconds, "answered", good=1)
    lines.add(0, 1000, "timeout")
    assert longest_answer(lines.lines, POLICY) == timedelta(seconds=expected)


# --- the replay beside a live Health ----------------------------------------------------------------------


@dataclass
class Live:
    """A Health under random traffic, its journal, and the times when its state became open."""

    seed: int
    lines: Lines = field(default_factory=Lines)
    opened: list[tuple[str, float]] = field(default_factory=list)
    _queue: list[tuple[float, int, str, Permit, float, float | None, ProviderError | None]] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        self.random, self.clock = random.Random(self.seed), HandClock()
        self.health = Health(POLICY, self.clock, {"p": 1}, lambda: 0.0)
        self._was_open: dict[str, bool] = {}

    def run(self, seconds: int) -> None:
        begins = sorted(self.random.randrange(1000 * seconds) / 1000 for _ in range(3 * seconds))
        for began in begins:
            self._work_off(began)
            self._set(began)
            self._begin(began, seconds)
        self._work_off(float("inf"))

    def _begin(self, began: float, seconds: int) -> None:
        offer = Offer("p", self.random.choice(("m", "m", "n")))
        permit = self.health.admit(offer)
        if not isinstance(permit, Permit):
            early = self.health.early((offer,)) if self.random.random() < 0.1 else None
            permit = self.health.admit(offer, early=True) if early and not early.wait_seconds else permit
        if not isinstance(permit, Permit):
            return
        is_down = 0.3 * seconds < began < 0.5 * seconds and offer.model == "m"
        failing = 1.0 if is_down else 0.3 if began > 0.6 * seconds else 0.05
        kind = self.random.random()
        first, ended = None, began + self.random.randrange(20, 400) / 1000
        error: ProviderError | None = None
        if self.random.random() < failing:
            error = Unreachable() if kind < 0.2 else Overloaded()
            if kind > 0.9:
                first, ended, error = ended, ended + 2.0, StreamCut()
        else:
            first = began + self.random.randrange(100, 3000) / 1000
            ended = first + self.random.randrange(0, 5000) / 1000
        tie = len(self._queue) + self.random.random()
        if first is not None:
            heappush(self._queue, (first, round(1e6 * tie), "first", permit, began, None, None))
        heappush(self._queue, (ended, round(1e6 * tie) + 1, "end", permit, began, first, error))

    def _work_off(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            now, _, what, permit, began, first, error = heappop(self._queue)
            self._set(now)
            if what == "first":
                self.health.first_token(permit)
            elif error is None:
                self.health.succeeded(permit, None)
            else:
                self.health.failed(permit, error)
            if what == "end":
                outcome = "answered" if error is None else error.outcome
                self.lines.add(began, now, outcome, model=permit.offer.model, good=first)
            self._note(now)

    def _set(self, seconds: float) -> None:
        self.clock.at = at(seconds)

    def _note(self, now: float) -> None:
        for model in ("m", "n"):
            is_open = self.health.offer_state(Offer("p", model)).state in {State.OPEN, State.HALF_OPEN}
            if is_open and not self._was_open.get(model):
                self.opened.append((model, round(now, 3)))
            self._was_open[model] = is_open


def _opened_at(found: ProviderReplay, model: str) -> float:
    return found.offers[model].health.breaker.opened_at


@pytest.mark.parametrize("seed", range(12))
def test_replay_opens_when_the_live_breaker_did(seed: int) -> None:
    live = Live(seed)
    live.run(300)
    found = live.lines.read()
    opened = {(model, round(each - NOW.timestamp(), 3)) for model in "mn" if (each := _opened_at(found, model)) > 0}
    own = {(model, seconds) for model, seconds in live.opened}
    assert opened, "the outage in the middle was seen"
    assert opened <= own, (sorted(opened - own), sorted(own - opened))
    for model in ("m", "n"):
        is_open = live.health.offer_state(Offer("p", model)).state in {State.OPEN, State.HALF_OPEN}
        assert (found.is_down or found.offers[model].is_down) is is_open
