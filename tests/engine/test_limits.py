from collections import deque

import pytest

from engine.limits import Fall, Key
from engine.ports import LimitHeaders


def refuse(key: Key, now: float, told: float | None = None, *, per_day: bool = False) -> None:
    key.use(now)
    key.limited(now, now, told, jitter=1, per_day=per_day)


def serve(key: Key, now: float) -> None:
    key.use(now)
    key.succeeded(now, now)


def test_a_429_rests_as_told() -> None:
    key = Key()
    refuse(key, 100, 36)
    assert key.wait_seconds(110) == 26
    assert key.reason(110) == "rate limited (429)"
    assert key.wait_seconds(136) == 0


def test_nothing_told_is_five_seconds_doubling_until_an_answer() -> None:
    key, now, waits = Key(), 0.0, []
    for _ in range(4):
        refuse(key, now)
        waits.append(key.wait_seconds(now))
        now += waits[-1]
    assert waits == [5, 10, 20, 40]
    serve(key, now)
    refuse(key, now)
    assert key.wait_seconds(now) == 5


def test_thirty_refusals_at_once_are_one_rest() -> None:
    key = Key()
    for _ in range(30):
        refuse(key, 100)
    assert key.wait_seconds(100) == 5


def test_the_longest_of_several_rests_counts() -> None:
    key = Key()
    refuse(key, 100, 60)
    refuse(key, 101, 1)
    assert key.wait_seconds(101) == 59


@pytest.mark.parametrize("told", [-5.0, 0.0])
def test_a_rest_that_is_over_is_none(told: float) -> None:
    key = Key()
    refuse(key, 100, told)
    assert key.wait_seconds(100) == 0


@pytest.mark.parametrize("told", [float("inf"), float("nan")])
def test_a_rest_without_measure_is_as_if_nothing_was_told(told: float) -> None:
    key = Key()
    refuse(key, 100, told)
    assert key.wait_seconds(100) == 5


def test_a_day_s_quota_rests_long() -> None:
    key = Key()
    refuse(key, 100, per_day=True)
    assert key.wait_seconds(100) == 600


def test_it_stays_under_the_rate_that_was_too_much() -> None:
    key = Key()
    for second in range(20):
        serve(key, second)
    refuse(key, 20, 0)
    assert key.limit == 16
    assert key.wait_seconds(20) == pytest.approx(44)  # the five oldest have to be a minute old
    assert key.reason(20) == "at its learned limit of 16/min"
    assert key.wait_seconds(64.5) == 0


def test_a_burst_learns_what_was_taken_not_what_was_sent() -> None:
    key = Key()
    for _ in range(50):
        key.use(0)
    for _ in range(20):
        key.succeeded(0.5, 0)
    for _ in range(30):
        key.limited(0.5, 0, 1, jitter=1, per_day=False)
    assert key.limit == 16


def test_few_requests_say_nothing_of_a_rate() -> None:
    key = Key()
    for second in range(3):
        serve(key, second)
    refuse(key, 3, 1)
    assert key.limit is None


def test_a_limit_grows_by_one_a_quiet_minute() -> None:
    key = Key()
    for second in range(20):
        serve(key, second)
    refuse(key, 20, 0)
    assert key.wait_seconds(79.9) == 0
    assert key.limit == 16
    assert key.wait_seconds(80) == 0
    assert key.limit == 17
    assert key.wait_seconds(80 + 3600) == 0
    assert key.limit == 77


def test_headers_that_say_nothing_is_left_are_heeded() -> None:
    key = Key()
    key.heed(100, LimitHeaders(requests_left=0, requests_reset_seconds=6))
    assert (key.wait_seconds(100), key.reason(100)) == (6, "its limit is used up")
    key.heed(100, LimitHeaders(tokens_left=0, tokens_reset_seconds=9))
    assert key.wait_seconds(100) == 9
    key.heed(100, LimitHeaders(requests_left=3, requests_reset_seconds=60))
    assert key.wait_seconds(100) == 9


def test_a_refused_key_waits_for_its_owner() -> None:
    key = Key()
    key.refused(100, "key refused")
    assert key.needs_mending
    assert key.wait_seconds(10**6) > 0
    key.mend()
    assert key.wait_seconds(100) == 0


def test_an_answer_begun_before_the_refusal_does_not_mend() -> None:
    key = Key()
    key.use(90)
    key.refused(100, "balance gone")
    key.succeeded(110, 90)
    assert key.needs_mending
    key.succeeded(120, 115)
    assert not key.needs_mending


class Wall:
    """A provider that takes so many requests in any minute, asked as often as the key allows."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0.0
        self.key = Key()
        self.served: deque[float] = deque()
        self.refused: list[float] = []
        self.falls: list[Fall] = []

    def run(self, until: float, every: float = 1.1) -> None:
        while self.now < until:
            if self.key.wait_seconds(self.now) == 0:
                self.ask()
            if (fall := self.key.take_fall(self.now)) is not None:
                self.falls.append(fall)
            self.now += every

    def ask(self) -> None:
        if sum(1 for at in self.served if at > self.now - 60) < self.most:
            self.served.append(self.now)
            serve(self.key, self.now)
        else:
            self.refused.append(self.now)
            refuse(self.key, self.now)


@pytest.mark.parametrize("every", [0.2, 1.1, 1.7])
def test_a_wall_that_falls_from_50_to_20_is_kept_from_the_third_minute_on(every: float) -> None:
    wall = Wall(50)
    wall.run(600, every)
    wall.most = 20
    wall.run(1800, every)
    refused = sum(1 for at in wall.refused if at >= 720)
    served = sum(1 for at in wall.served if at >= 720)
    assert refused / (refused + served) < 0.05
    assert served > 0.75 * 20 * 18  # and most of what it takes is used


def test_a_fall_is_told_once_with_the_rate_that_is_taken_now() -> None:
    wall = Wall(50)
    wall.run(600)
    wall.falls.clear()
    wall.most = 20
    wall.run(1800)
    assert [fall.now_per_minute for fall in wall.falls] == [20]
    assert wall.falls[0].before_per_minute >= 40


def test_a_limit_that_stands_is_no_news() -> None:
    wall = Wall(20)
    wall.run(600)
    wall.falls.clear()
    wall.run(3600)
    assert wall.refused
    assert not wall.falls
