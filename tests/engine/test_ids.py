"""Ids in the order of their creation."""

from datetime import UTC, datetime, timedelta

from engine.ids import time_ordered

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def test_later_id_sorts_after_an_earlier_one() -> None:
    assert time_ordered(NOW) < time_ordered(NOW + timedelta(milliseconds=1))


def test_ids_of_one_moment_differ() -> None:
    first, second = time_ordered(NOW), time_ordered(NOW)
    assert (len(first), first[:12], first != second) == (32, second[:12], True)
