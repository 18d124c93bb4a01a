"""The times of a rule with clock changes, short months, missed runs and changes of the zone."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.schedules.recurrence import EVERY_DAY, LAST_OF_MONTH, WEEKDAYS, Recurrence, Unit, moment_of

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago")
NOON = 12 * 60
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def daily(minute: int) -> Recurrence:
    return Recurrence(Unit.WEEK, EVERY_DAY, minute)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def moments(rule: Recurrence, zone: ZoneInfo, start: datetime, until: datetime) -> list[datetime]:
    """Return all moments, each found as by the scheduler: soon after the one before."""
    found = [rule.first(zone, start)]
    while (following := rule.after(found[-1], zone, found[-1] + timedelta(seconds=5))) < until:
        found.append(following)
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("minute", [0, 90, 125, 150, 8 * 60, 23 * 60 + 59])
def test_every_day_of_a_year_has_one_run_at_its_time(zone: str, minute: int) -> None:
    place = ZoneInfo(zone)
    found = moments(daily(minute), place, NEW_YEAR, NEW_YEAR + timedelta(days=370))
    days = Counter(each.astimezone(place).date() for each in found)
    assert set(days.values()) == {1}
    assert max(days) - min(days) == timedelta(days=len(days) - 1)
    moved = [each for each in found if _minute(each, place) != minute]
    assert len(moved) <= 1
    assert all(_minute(each, place) > minute for each in moved)


def _minute(moment: datetime, place: ZoneInfo) -> int:
    local = moment.astimezone(place)
    return local.hour * 60 + local.minute


@pytest.mark.parametrize(
    ("zone", "day", "minute", "expected"),
    [
        ("Europe/Berlin", "2026-03-29", 2 * 60 + 30, "2026-03-29T01:00"),  # 02:30 does not exist: 03:00 local time
        ("Europe/Berlin", "2026-10-25", 2 * 60 + 30, "2026-10-25T00:30"),  # 02:30 occurs twice: the first one
        ("America/New_York", "2026-03-08", 2 * 60, "2026-03-08T07:00"),
        ("Australia/Lord_Howe", "2026-10-04", 2 * 60 + 15, "2026-10-03T15:30"),  # a gap of half an hour
        ("America/Santiago", "2026-09-06", 0, "2026-09-06T04:00"),  # midnight does not exist
        ("Asia/Ho_Chi_Minh", "2026-12-01", 8 * 60, "2026-12-01T01:00"),
    ],
)
def test_minute_of_a_day_is_the_first_that_exists(zone: str, day: str, minute: int, expected: str) -> None:
    assert moment_of(date.fromisoformat(day), minute, ZoneInfo(zone)) == at(expected)


@pytest.mark.parametrize(
    ("rule", "now", "expected"),
    [
        (daily(NOON), "2026-11-30T11:59", "2026-11-30T12:00"),
        (daily(NOON), "2026-11-30T12:00", "2026-12-01T12:00"),
        (Recurrence(Unit.WEEK, WEEKDAYS, NOON), "2026-11-27T13:00", "2026-11-30T12:00"),
        (Recurrence(Unit.WEEK, (1, 4), NOON), "2026-11-30T13:00", "2026-12-03T12:00"),
        (Recurrence(Unit.MONTH, (1,), NOON), "2026-11-30T13:00", "2026-12-01T12:00"),
        (Recurrence(Unit.MONTH, (30,), NOON), "2027-01-30T13:00", "2027-02-28T12:00"),
        (Recurrence(Unit.MONTH, (LAST_OF_MONTH,), NOON), "2028-02-01T00:00", "2028-02-29T12:00"),
        (Recurrence(Unit.MONTH, (15,), NOON), "2026-12-20T00:00", "2027-01-15T12:00"),
        (Recurrence(Unit.HOURS, (2,)), "2026-11-30T12:10", "2026-11-30T14:10"),
        (Recurrence(Unit.DAYS, (3,), NOON), "2026-11-30T11:00", "2026-11-30T12:00"),
    ],
)
def test_first_run_is_the_next_fitting_time(rule: Recurrence, now: str, expected: str) -> None:
    assert rule.first(ZoneInfo("UTC"), at(now)) == at(expected)


@pytest.mark.parametrize(
    ("rule", "due", "now", "expected"),
    [
        (daily(NOON), "2026-11-01T12:00", "2026-11-30T13:00", "2026-12-01T12:00"),
        (Recurrence(Unit.HOURS, (2,)), "2026-11-30T12:10", "2026-11-30T12:10", "2026-11-30T14:10"),
        (Recurrence(Unit.HOURS, (2,)), "2026-11-30T12:10", "2026-11-30T19:00", "2026-11-30T20:10"),
        (Recurrence(Unit.DAYS, (3,), NOON), "2026-11-01T12:00", "2026-11-01T12:01", "2026-11-04T12:00"),
        (Recurrence(Unit.DAYS, (3,), NOON), "2026-11-01T12:00", "2026-11-08T12:01", "2026-11-10T12:00"),
    ],
)
def test_missed_runs_count_as_one_and_the_grid_stays(rule: Recurrence, due: str, now: str, expected: str) -> None:
    assert rule.after(at(due), ZoneInfo("UTC"), at(now)) == at(expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (daily(8 * 60), "2026-12-01T01:00"),
        (Recurrence(Unit.HOURS, (2,)), "2026-12-01T08:00"),
        (Recurrence(Unit.DAYS, (3,), 8 * 60), "2026-12-01T01:00"),
    ],
)
def test_another_zone_moves_the_time_of_day(rule: Recurrence, expected: str) -> None:
    due, now = at("2026-12-01T08:00"), at("2026-11-30T09:00")
    assert rule.moved(due, ZoneInfo("UTC"), ZoneInfo("Asia/Ho_Chi_Minh"), now) == at(expected)


@pytest.mark.parametrize(
    ("rule", "hours", "clock"),
    [
        (daily(485), 24, "08:05"),
        (Recurrence(Unit.HOURS, (2,)), 2, "00:00"),
        (Recurrence(Unit.DAYS, (3,), 0), 24, "00:00"),
    ],
)
def test_rule_names_its_interval_and_time(rule: Recurrence, hours: float, clock: str) -> None:
    assert (rule.least_hours, rule.clock) == (hours, clock)
    assert Recurrence.from_text(rule.to_text()) == rule


RULES = st.one_of(
    st.builds(
        lambda days, minute: Recurrence(Unit.WEEK, tuple(sorted(days)), minute),
        st.sets(st.integers(1, 7), min_size=1),
        st.integers(0, 1439),
    ),
    st.builds(lambda day, minute: Recurrence(Unit.MONTH, (day,), minute), st.integers(1, 31), st.integers(0, 1439)),
    st.builds(lambda n, minute: Recurrence(Unit.DAYS, (n,), minute), st.integers(2, 90), st.integers(0, 1439)),
    st.builds(lambda n: Recurrence(Unit.HOURS, (n,)), st.integers(1, 100)),
)


@given(RULES, st.sampled_from(ZONES), st.integers(0, 2 * 365 * 24 * 60), st.integers(0, 60 * 24 * 60))
def test_next_run_is_always_in_the_future_and_the_rule_survives_its_text(
    rule: Recurrence, zone: str, minutes: int, late: int
) -> None:
    now, place = NEW_YEAR + timedelta(minutes=minutes), ZoneInfo(zone)
    first = rule.first(place, now)
    assert first > now
    assert rule.after(first, place, first + timedelta(minutes=late)) > first + timedelta(minutes=late)
    assert rule.moved(first, place, ZoneInfo("Asia/Tokyo"), now) > now
    assert Recurrence.from_text(rule.to_text()) == rule
