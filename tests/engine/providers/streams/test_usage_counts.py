"""Counts over several usage reports."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.providers.streams.endings import UsageCounts, count_of, reconciled


@pytest.mark.parametrize(
    "later", [{"a": 0, "d": {"b": 0}}, {"a": None, "d": None}, {"d": {}}, {}, None, "x", {"a": -5}]
)
def test_reported_count_is_not_replaced_by_zero_or_absence(later: Any) -> None:
    counts = UsageCounts()
    counts.add({"a": 7, "d": {"b": 3}})
    counts.add(later)
    assert (counts.first("a"), counts.first("d.b")) == (7, 3)


def test_latest_count_above_zero_counts() -> None:
    counts = UsageCounts()
    for number in (0, 7, 12, 9):
        counts.add({"a": number})
    assert (counts.first("a"), counts.first("b", "a"), counts.first("b")) == (9, 9, 0)


_VALUES = st.sampled_from([0, 1, 7, -5, None, "3", 2.5, [], [{"x": 1}], {"c": 4}, {"c": 0}, True])
_REPORTS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "t", "d"]), _VALUES), max_size=8)


@given(_REPORTS)
def test_reports_count_alike_whether_numbers_are_read_between_them_or_not(reports: list[dict[str, Any]]) -> None:
    read, unread = UsageCounts(("a", "b"), "t"), UsageCounts(("a", "b"), "t")
    for report in reports:
        assert read.add(report) == unread.add(report) == bool(report)
        read.first("a")
    for path in ("a", "b", "t", "d", "d.c", "a.c"):
        assert read.first(path) == unread.first(path)


@given(_REPORTS, st.lists(st.fixed_dictionaries({"a": _VALUES, "t": st.integers(0, 9)}), max_size=5))
def test_reports_of_a_run_count_as_one_by_one(reports: list[dict[str, Any]], alike: list[dict[str, Any]]) -> None:
    together, single = UsageCounts(("a", "b"), "t"), UsageCounts(("a", "b"), "t")
    for run in (reports, alike):
        added = [single.add(report) for report in run]
        assert together.add_all(run) == any(added)
    for path in ("a", "b", "t", "d", "d.c", "a.c"):
        assert together.first(path) == single.first(path)


def test_total_of_an_earlier_report_ends_with_a_new_part() -> None:
    counts = UsageCounts(("a", "b"), "t")
    counts.add({"a": 1, "b": 1, "t": 2})
    counts.add({"d": {"e": 1}})
    assert counts.first("t") == 2
    counts.add({"b": 5})
    assert counts.first("t") == 0


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (7, 7),
        (-7, -7),
        (7.0, 7),
        (7.2, 8),
        ("7", 7),
        ("7.0", 7),
        ("seven", 0),
        ("9" * 5000, 0),
        (True, 0),
        (None, 0),
        ([7], 0),
        (float("nan"), 0),
        (float("inf"), 0),
        ("inf", 0),
    ],
)
def test_number_is_read_in_any_form(value: Any, count: int) -> None:
    assert count_of(value) == count


@pytest.mark.parametrize(
    ("total", "expected"),
    [(0, (3, False)), (12, (3, False)), (112, (103, True)), (5, (3, True)), (-1, (3, False))],
)
def test_larger_of_the_parts_and_the_total_counts(total: int, expected: tuple[int, bool]) -> None:
    assert reconciled(9, 3, total) == expected


def test_negative_parts_are_left_to_the_gateway() -> None:
    assert reconciled(9, -3, 112) == (-3, False)


def test_only_the_first_fields_of_a_report_are_read() -> None:
    counts = UsageCounts()
    assert counts.add({f"n{number}": 1 for number in range(100_000)})
    assert (counts.first("n0"), counts.first("n99999")) == (1, 0)
    assert not counts.add([])
