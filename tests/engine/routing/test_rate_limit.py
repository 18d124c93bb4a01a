from collections import deque

import pytest

from engine.routing.rate_limit import SLACK_SECONDS, LearnedLimit, LimitDrop, ReportedQuota


def refuse(limit: LearnedLimit, now: float) -> None:
    limit.use(now)
    limit.refused(now, now)


def serve(limit: LearnedLimit, now: float) -> None:
    limit.use(now)
    limit.took(now)


def learned(most: int = 20) -> LearnedLimit:
    """One that took `most` within as many seconds, and then refused."""
    limit = LearnedLimit()
    for second in range(most):
        serve(limit, second)
    refuse(limit, most)
    return limit


def test_nothing_is_known_at_first() -> None:
    assert LearnedLimit().wait_seconds(0) == 0


def test_it_stays_at_the_rate_that_was_taken() -> None:
    limit = learned(20)
    assert limit.per_minute == 20
    assert limit.wait_seconds(20) == pytest.approx(40 + SLACK_SECONDS)  # the oldest has to be a minute old
    assert limit.wait_seconds(60 + SLACK_SECONDS) == 0


def test_a_burst_learns_what_was_taken_not_what_was_sent() -> None:
    limit = LearnedLimit()
    for _ in range(50):
        limit.use(0)
    for _ in range(20):
        limit.took(0.5)
    for _ in range(30):
        limit.refused(0.5, 0)
    assert limit.per_minute == 20


def test_tries_that_began_after_the_refused_one_do_not_count_as_taken() -> None:
    limit = LearnedLimit()
    for second in range(20):
        serve(limit, second)
    for second in range(20, 30):
        limit.use(second)
    limit.refused(30, began_at=20)
    assert limit.per_minute == 20


def test_few_requests_say_nothing_of_a_rate() -> None:
    limit = LearnedLimit()
    for second in range(3):
        serve(limit, second)
    refuse(limit, 3)
    assert limit.per_minute is None


def test_after_a_quiet_minute_one_more_is_tried_and_a_refusal_puts_the_next_off() -> None:
    limit = learned(20)
    for second in range(80, 100):
        serve(limit, second)
    assert limit.wait_seconds(100) == 0
    refuse(limit, 100)
    assert (limit.per_minute, limit.wait_seconds(101) > 0) == (20, True)


def test_a_limit_that_is_gone_is_found_to_be_gone_within_a_minute() -> None:
    limit, now, taken = learned(20), 80.0, 0
    while now < 80 + 120:
        if limit.wait_seconds(now) == 0:
            serve(limit, now)
            taken += 1
        now += 0.2
    assert limit.per_minute is not None
    assert limit.per_minute > 200


class Wall:
    """A provider that takes so many requests in any minute, asked as often as the limit allows."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0.0
        self.limit = LearnedLimit()
        self.served: deque[float] = deque()
        self.refused: list[float] = []
        self.falls: list[LimitDrop] = []

    def run(self, until: float, every: float = 1.1) -> None:
        while self.now < until:
            if self.limit.wait_seconds(self.now) == 0:
                self.ask()
            if (fall := self.limit.take_fall(self.now)) is not None:
                self.falls.append(fall)
            self.now += every

    def ask(self) -> None:
        if sum(1 for at in self.served if at > self.now - 60) < self.most:
            self.served.append(self.now)
            serve(self.limit, self.now)
        else:
            self.refused.append(self.now)
            refuse(self.limit, self.now)


@pytest.mark.parametrize("every", [0.2, 1.1, 1.7])
def test_a_wall_that_falls_from_50_to_20_is_kept_from_the_third_minute_on(every: float) -> None:
    wall = Wall(50)
    wall.run(600, every)
    wall.most = 20
    wall.run(1800, every)
    refused = sum(1 for at in wall.refused if at >= 720)
    served = sum(1 for at in wall.served if at >= 720)
    assert refused / (refused + served) < 0.05
    assert served > 0.95 * 20 * 17  # and what it takes is used


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


def test_one_request_less_in_a_minute_is_no_news() -> None:
    wall = Wall(50)
    wall.run(600)
    wall.falls.clear()
    wall.most = 48
    wall.run(1800)
    assert wall.limit.per_minute == 48
    assert not wall.falls


def test_what_is_not_told_bounds_nothing() -> None:
    told = ReportedQuota()
    told.hear(0, None, 60)
    told.use(5)
    assert told.wait_seconds(0) == 0
