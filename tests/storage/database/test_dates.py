"""Moments, days and months as whole numbers."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from storage.database.connection import day_of, moment, moment_or_none, month_of, ms

AT = datetime(2026, 11, 24, 12, 30, 15, 999_999, tzinfo=UTC)


@pytest.mark.parametrize("stored_ms", [0, 1, 999, 1_764_000_000_123, 4_102_444_800_999])
def test_stored_milliseconds_are_read_back_unchanged(stored_ms: int) -> None:
    assert ms(moment(stored_ms)) == stored_ms


def test_microseconds_are_rounded_down_before_and_after_1970() -> None:
    assert ms(datetime(1970, 1, 1, microsecond=1_999, tzinfo=UTC)) == 1
    assert ms(datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)) == -1


def test_seconds_and_days_count_in_milliseconds() -> None:
    assert ms(datetime(1970, 1, 3, 0, 0, 2, 5_000, tzinfo=UTC)) == 2 * 86_400_000 + 2_005


def test_moment_of_another_time_zone_is_stored_in_utc() -> None:
    assert ms(AT.astimezone(timezone(timedelta(hours=7)))) == ms(AT)
    assert moment(ms(AT)).tzinfo is UTC


def test_null_is_no_moment() -> None:
    assert moment_or_none(None) is None
    assert moment_or_none(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_days_and_months_are_numbers_in_calendar_order() -> None:
    assert day_of(AT) == day_of(AT.date()) == 20_261_124
    assert month_of(AT) == 202_611
    assert month_of(date(2026, 1, 31)) == 202_601
    assert day_of(date(2026, 12, 31)) < day_of(date(2027, 1, 1))
    assert month_of(date(2026, 12, 31)) < month_of(date(2027, 1, 1))
