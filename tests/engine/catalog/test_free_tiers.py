from datetime import UTC, datetime, timedelta

import pytest

from engine.catalog.free_tiers import FreeTierLimits, FreeTierRemaining, FreeTiers, day_begin, day_end
from engine.catalog.offers import Offer

GEMINI, GROQ = Offer("gemini", "lite"), Offer("groq", "oss")
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def tiers(per_minute: int = 2, per_day: int = 3) -> FreeTiers:
    return FreeTiers({GEMINI: FreeTierLimits(per_minute, per_day), GROQ: FreeTierLimits(per_minute, per_day)})


def test_unlisted_offer_has_no_free_tier() -> None:
    assert not FreeTiers().is_open(GEMINI, NOW)
    assert FreeTiers().left(GEMINI, NOW) is None


def test_limit_per_minute_is_counted_and_ends() -> None:
    free = tiers()
    for _ in range(2):
        assert free.is_open(GEMINI, NOW)
        free.use(GEMINI, NOW)
    assert not free.is_open(GEMINI, NOW)
    assert free.left(GEMINI, NOW) == FreeTierRemaining(0, 1)
    assert not free.is_open(GEMINI, NOW + timedelta(seconds=59))
    assert free.is_open(GEMINI, NOW + timedelta(seconds=60))


def test_limit_per_day_ends_with_the_providers_day() -> None:
    free = tiers(per_minute=10)
    for _ in range(3):
        free.use(GEMINI, NOW)
        free.use(GROQ, NOW)
    assert not free.is_open(GEMINI, NOW + timedelta(hours=1))
    midnight = datetime(2026, 11, 26, 0, 1, tzinfo=UTC)
    assert free.is_open(GROQ, midnight)
    assert not free.is_open(GEMINI, midnight)  # Gemini's day begins at midnight in California
    assert free.is_open(GEMINI, datetime(2026, 11, 26, 8, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("now", "begins", "ends"),
    [
        ("2026-01-10T07:59", "2026-01-09T08:00", "2026-01-10T08:00"),
        ("2026-07-10T07:01", "2026-07-10T07:00", "2026-07-11T07:00"),  # summer time
        ("2026-03-08T12:00", "2026-03-08T08:00", "2026-03-09T07:00"),  # a day of 23 hours
        ("2026-11-01T12:00", "2026-11-01T07:00", "2026-11-02T08:00"),  # a day of 25 hours
    ],
)
def test_geminis_day_begins_at_midnight_in_california(now: str, begins: str, ends: str) -> None:
    moment, begin, end = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, begins, ends))
    assert (day_begin(GEMINI, moment), day_end(GEMINI, moment)) == (begin, end)


def test_429_closes_the_tier_for_retry_after() -> None:
    free = tiers()
    free.refused(GEMINI, NOW, 36, per_day=False)
    assert not free.is_open(GEMINI, NOW + timedelta(seconds=35))
    assert free.is_open(GEMINI, NOW + timedelta(seconds=36))


def test_429_for_the_day_closes_the_tier_until_the_next_day() -> None:
    free = tiers()
    free.refused(GROQ, NOW, None, per_day=True)
    assert not free.is_open(GROQ, NOW + timedelta(hours=11))
    assert free.is_open(GROQ, NOW + timedelta(hours=12))


def test_requests_of_an_earlier_process_count() -> None:
    free = tiers(per_minute=10)
    free.begin(GROQ, NOW, 3)
    assert not free.is_open(GROQ, NOW)


def test_429_without_retry_after_closes_the_tier_for_a_minute() -> None:
    free = tiers()
    free.refused(GROQ, NOW, None, per_day=False)
    assert not free.is_open(GROQ, NOW + timedelta(seconds=59))
    assert free.is_open(GROQ, NOW + timedelta(seconds=60))


def test_shorter_429_does_not_open_a_closed_tier() -> None:
    free = tiers()
    free.refused(GROQ, NOW, 600, per_day=False)
    free.refused(GROQ, NOW, 0, per_day=False)
    assert free.left(GROQ, NOW + timedelta(seconds=599)) == FreeTierRemaining(0, 0)
    assert free.is_open(GROQ, NOW + timedelta(seconds=600))


def test_429_of_an_offer_without_a_free_tier_is_ignored() -> None:
    free = FreeTiers()
    free.refused(GROQ, NOW, 60, per_day=False)
    assert free.left(GROQ, NOW) is None


def test_overused_tier_has_nothing_left() -> None:
    free = tiers(per_minute=1, per_day=1)
    for _ in range(3):
        free.use(GROQ, NOW)
    assert free.left(GROQ, NOW) == FreeTierRemaining(0, 0)


def test_each_key_has_the_limits_of_the_tier_for_itself() -> None:
    free = FreeTiers({GEMINI: FreeTierLimits(2, 3)}, {"gemini": 2})
    assert free.left(GEMINI, NOW) == FreeTierRemaining(4, 6)
    for _ in range(2):
        free.use(GEMINI, NOW, 0)
    assert free.is_open(GEMINI, NOW)
    assert free.open_keys(GEMINI, NOW) == {1}
    free.refused(GEMINI, NOW, 30, per_day=False, key=1)
    assert not free.is_open(GEMINI, NOW)
    assert free.open_keys(GEMINI, NOW + timedelta(seconds=31)) == {1}
    assert free.take_counts() == [(GEMINI, 0, 2)]
    assert free.take_counts() == []


def test_requests_of_other_processes_are_counted_for_their_key() -> None:
    free = FreeTiers({GEMINI: FreeTierLimits(2, 3)}, {"gemini": 2})
    free.count_elsewhere(GEMINI, NOW, 2, 1)
    assert free.open_keys(GEMINI, NOW) == {0}
    free.count_elsewhere(GEMINI, NOW, 1, 2)  # a key that this process does not have
    assert free.left(GEMINI, NOW) == FreeTierRemaining(2, 4)


def test_requests_of_earlier_today_are_spread_over_the_keys() -> None:
    free = FreeTiers({GEMINI: FreeTierLimits(10, 3)}, {"gemini": 2})
    free.begin(GEMINI, NOW, 5)
    assert free.left(GEMINI, NOW) == FreeTierRemaining(20, 1)
    assert free.open_keys(GEMINI, NOW) == {1}


def test_tier_is_open_only_if_a_usable_key_has_requests_left() -> None:
    free, usable = FreeTiers({GEMINI: FreeTierLimits(2, 3)}, {"gemini": 2}), {0, 1}
    free.is_usable = lambda _, key: key in usable
    for _ in range(2):
        free.use(GEMINI, NOW, 0)
    assert free.is_open(GEMINI, NOW)
    usable.discard(1)
    assert not free.is_open(GEMINI, NOW)
    usable.clear()  # an early attempt at a resting offer is free
    assert free.is_open(GEMINI, NOW)
