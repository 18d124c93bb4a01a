"""Periods of reports."""

from datetime import UTC, date, datetime

import pytest

from web.errors import HttpProblem
from web.periods import period

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (None, None, ("2026-11-01", "2026-11-24")),
        ("2026-10-05", None, ("2026-10-05", "2026-11-24")),
        (None, "2026-10-05", ("2026-10-01", "2026-10-05")),
        ("2026-10-05", "2026-10-05", ("2026-10-05", "2026-10-05")),
    ],
)
def test_period_is_this_month_unless_given(first: str | None, last: str | None, expected: tuple[str, str]) -> None:
    dates = [date.fromisoformat(each) if each else None for each in (first, last)]
    assert tuple(map(str, period(dates[0], dates[1], NOW))) == expected


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 11, 2), date(2026, 11, 1)), (date(2099, 12, 31), date(2001, 1, 1)), (date(2027, 1, 1), NOW.date())],
)
def test_period_that_ends_before_it_begins_is_refused(first: date, last: date) -> None:
    with pytest.raises(HttpProblem) as caught:
        period(first, last, NOW)
    assert (caught.value.status, caught.value.param) == (400, "from")
