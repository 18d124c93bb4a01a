from collections import deque

import pytest

from engine.routing.rate_limits import SLACK_SECONDS, LearnedLimit, LimitDrop, ReportedQuota
from tests.engine.routing.learned_limits import learned, refuse, serve


def test_no_limit_is_known_at_first() -> None:
    assert LearnedLimit().wait_seconds(0) == 0


def test_limit_is_the_rate_that_was_accepted() -> None:
    limit = learned(20)
    assert limit.per_minute == 20
    # The oldest two must be a minute old, because the refused attempt counts too.
    assert limit.wait_seconds(20) == pytest.approx(41 + SLACK_SECONDS)
    assert limit.wait_seconds(61 + SLACK_SECONDS) == 0


def test_burst_teaches_the_accepted_rate_not_the_sent_one() -> None:
    limit = LearnedLimit()
    for _ in range(50):
        limit.begin(0)
    for _ in range(20):
        limit.accepted(0.5)
    for _ in range(30):
        limit.refused(0.5, 0)
    assert limit.per_minute == 20


def test_attempts_begun_after_the_refused_one_do_not_count_as_accepted() -> None:
    limit = LearnedLimit()
    for second in range(20):
        serve(limit, second)
    for second in range(20, 30):
        limit.begin(second)
    limit.refused(30, began_at=20)
    assert limit.per_minute == 20


def test_four_requests_in_a_minute_teach_no_limit() -> None:
    limit = LearnedLimit()
    for second in range(3):
        serve(limit, second)
    refuse(limit, 3)
    assert limit.per_minute is None


def test_one_more_is_tried_after_a_quiet_minute_and_a_refusal_delays_the_next() -> None:
    limit = learned(20)
    for second in range(80, 100):
        serve(limit, second)
    assert limit.wait_seconds(100) == 0
    refuse(limit, 100)
    assert (limit.per_minute, limit.wait_seconds(101) > 0) == (20, True)


def test_limit_that_no_longer_exists_is_raised_within_two_minutes() -> None:
    limit, now, taken = learned(20), 80.0, 0
    while now < 80 + 120:
        if limit.wait_seconds(now) == 0:
            serve(limit, now)
            taken += 1
        now += 0.2
    assert limit.per_minute is not None
    assert limit.per_minute > 200


class LimitedProvider:
    """A provider that accepts `most` requests in any minute, asked as often as the learned limit allows."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0.0
        self.limit = LearnedLimit()
        self.served: deque[float] = deque()
        self.refused: list[float] = []
        self.drops: list[LimitDrop] = []

    def run(self, until: float, every: float = 1.1) -> None:
        while self.now < until:
            if self.limit.wait_seconds(self.now) == 0:
                self.ask()
            if (drop := self.limit.take_drop(self.now)) is not None:
                self.drops.append(drop)
            self.now += every

    def ask(self) -> None:
        if sum(1 for at in self.served if at > self.now - 60) < self.most:
            self.served.append(self.now)
            serve(self.limit, self.now)
        else:
            self.refused.append(self.now)
            refuse(self.limit, self.now)


@pytest.mark.parametrize("every", [0.2, 1.1, 1.7])
def test_limit_that_drops_from_50_to_20_is_respected_from_the_third_minute_on(every: float) -> None:
    provider = LimitedProvider(50)
    provider.run(600, every)
    provider.most = 20
    provider.run(1800, every)
    refused = sum(1 for at in provider.refused if at >= 720)
    served = sum(1 for at in provider.served if at >= 720)
    assert refused / (refused + served) < 0.05
    assert served > 0.95 * 20 * 17  # the accepted rate is used in full


def test_drop_is_reported_once_with_the_rate_that_is_accepted_now() -> None:
    provider = LimitedProvider(50)
    provider.run(600)
    provider.drops.clear()
    provider.most = 20
    provider.run(1800)
    assert [drop.now_per_minute for drop in provider.drops] == [20]
    assert provider.drops[0].before_per_minute >= 40


def test_unchanged_limit_is_not_reported() -> None:
    provider = LimitedProvider(20)
    provider.run(600)
    provider.drops.clear()
    provider.run(3600)
    assert provider.refused
    assert not provider.drops


def test_drop_of_two_requests_in_fifty_is_not_reported() -> None:
    provider = LimitedProvider(50)
    provider.run(600)
    provider.drops.clear()
    provider.most = 48
    provider.run(1800)
    assert provider.limit.per_minute == 48
    assert not provider.drops


def test_unreported_quota_limits_nothing() -> None:
    quota = ReportedQuota()
    quota.update(0, None, 60)
    quota.use(5)
    assert quota.wait_seconds(0) == 0


def fill(limit: LearnedLimit, now: float) -> None:
    for _ in range(20):
        limit.begin(now)


def answer(limit: LearnedLimit, since: float, times: int) -> None:
    """Count accepted attempts, of long ago for the window."""
    for _ in range(times):
        serve(limit, since)


def test_new_limit_is_tried_again_after_ten_seconds() -> None:
    limit = learned(20)
    fill(limit, 29)
    assert limit.wait_seconds(29.9) > 0
    limit = learned(20)
    assert limit.wait_seconds(29.9) > 0
    assert limit.places == 20
    limit.wait_seconds(30)
    assert limit.places == 21


def test_limit_is_tried_again_after_50_accepted_attempts_at_the_earliest() -> None:
    limit = learned(20)
    limit.wait_seconds(30)
    refuse(limit, 30)
    limit.wait_seconds(300)
    assert limit.places == 20
    for _ in range(49):
        limit.accepted(300, 0)
    limit.wait_seconds(300)
    assert limit.places == 20
    limit.accepted(300, 0)
    limit.wait_seconds(300)
    assert limit.places == 21


def test_refused_raise_doubles_the_time_to_the_next() -> None:
    limit = learned(20)
    limit.wait_seconds(30)
    refuse(limit, 30)
    for _ in range(50):
        limit.accepted(31, 0)
    limit.wait_seconds(49.9)
    assert limit.places == 20
    limit.wait_seconds(50)
    assert limit.places == 21


def test_acceptance_of_an_attempt_begun_under_the_limit_raises_nothing() -> None:
    limit = learned(20)
    limit.wait_seconds(30)
    limit.begin(31)
    limit.accepted(31.5, began_at=19)
    assert (limit.per_minute, limit.places) == (20, 21)
    limit.accepted(31.6, began_at=31)
    assert limit.places is not None
    assert limit.places > 21


def test_attempts_over_a_limit_are_due_at_growing_pauses_until_one_is_accepted() -> None:
    limit, pauses, now = learned(20), list[float](), 21.0
    assert limit.trial_wait_seconds(now) == 0
    while len(pauses) < 4:
        refuse(limit, now)
        began, now = now, now + 0.5
        while limit.trial_wait_seconds(now):
            now += 0.5
        pauses.append(now - began)
    assert pauses == [3, 9, 27, 81]


def test_accepted_attempt_over_a_limit_lets_more_follow_at_once() -> None:
    limit = learned(20)
    serve(limit, 22)
    assert limit.trial_wait_seconds(22) == 0
    assert limit.places is not None
    assert limit.places > 21


def test_free_places_are_those_under_the_limit_less_the_attempts_of_a_minute() -> None:
    limit = learned(20)
    assert limit.free_places(20) == 0
    assert limit.free_places(70) == 10
    assert LearnedLimit().free_places(0) == 0


def test_attempts_of_over_a_minute_ago_teach_nothing() -> None:
    limit = LearnedLimit()
    for _ in range(10):
        limit.begin(0)
    for _ in range(6):
        limit.begin(70)
    refuse(limit, 71)
    assert limit.per_minute == 6


def test_five_requests_in_a_minute_teach_a_limit() -> None:
    assert [learned(most).per_minute for most in (4, 5)] == [None, 5]


@pytest.mark.parametrize(("accepted", "reported"), [(17, True), (18, False)])
def test_drop_below_nine_tenths_is_reported(accepted: int, reported: bool) -> None:
    limit = LearnedLimit()
    for _ in range(20):
        serve(limit, 0)
    for _ in range(accepted):
        serve(limit, 61)
    refuse(limit, 61.5)
    assert (limit.take_drop(200) is not None) is reported


@pytest.mark.parametrize("reset_seconds", [None, 0.0])
def test_quota_without_a_reset_limits_nothing(reset_seconds: float | None) -> None:
    quota = ReportedQuota()
    quota.update(0, 0, reset_seconds)
    assert quota.wait_seconds(0) == 0
    assert quota.remaining_at(0) == float("inf")


def test_raise_allows_one_more_then_twice_as_many() -> None:
    limit = learned(20)
    fill(limit, 80)
    assert limit.wait_seconds(80) == 0
    limit.begin(80)
    assert limit.wait_seconds(80) > 0
    limit.accepted(80)
    assert (limit.per_minute, limit.wait_seconds(80)) == (21, 0)
    limit.begin(80)
    assert limit.wait_seconds(80) == 0
    limit.begin(80)
    assert limit.wait_seconds(80) > 0


def test_attempt_of_exactly_a_minute_ago_teaches_nothing() -> None:
    limit = LearnedLimit()
    for at in (0, 0, 0.5, 0.5, 0.5, 0.5, 0.5):
        limit.begin(at)
    refuse(limit, 60)
    assert limit.per_minute == 5


def test_quota_is_unknown_from_its_reset_on() -> None:
    quota = ReportedQuota()
    quota.update(0, 3, 6)
    assert (quota.remaining_at(5.9), quota.remaining_at(6)) == (3, float("inf"))
