"""RecentEntries: the entries that stay, and the order in which they are dropped."""

from hypothesis import given
from hypothesis import strategies as st

from engine.recent_entries import RecentEntries


def test_older_half_is_dropped_when_the_newer_one_is_full() -> None:
    table = RecentEntries[str, int](4)
    for number, key in enumerate("abc"):
        table.set(key, number)
    assert [table.get(key) for key in "abc"] == [0, 1, 2]
    table.set("d", 3)
    assert [table.get(key) for key in "abcd"] == [None, None, 2, 3]


def test_entry_that_is_set_again_is_the_latest() -> None:
    table = RecentEntries[str, int](4)
    for number, key in enumerate("abac"):
        table.set(key, number)
    assert [table.get(key) for key in "abc"] == [2, None, 3]


@given(st.lists(st.integers(0, 30)), st.integers(1, 8))
def test_latest_half_is_kept_and_the_size_is_bounded(keys: list[int], half: int) -> None:
    table = RecentEntries[int, int](2 * half)
    for place, key in enumerate(keys):
        table.set(key, place)
        assert len(table) <= 2 * half
    latest = {key: place for place, key in enumerate(keys)}
    newest_first = sorted(latest, key=lambda key: -latest[key])
    for key in newest_first[:half]:
        assert table.get(key) == latest[key]
