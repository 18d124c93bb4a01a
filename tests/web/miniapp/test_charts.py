"""Axes with round values, and one colour for each model."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.perceived import difference
from web.miniapp.charts import COLOURS, axis, colours


@pytest.mark.parametrize(
    ("most", "texts"),
    [
        (0, ["0", "1"]),
        (1, ["0", "1"]),
        (5, ["0", "2", "4", "6"]),
        (9_999, ["0", "5000", "10000"]),
        (41, ["0", "20", "40", "60"]),
        (400, ["0", "100", "200", "300", "400"]),
    ],
)
def test_values_are_round(most: int, texts: list[str]) -> None:
    assert [tick.text for tick in axis(most, str).ticks] == texts


@given(st.integers(0, 10**15))
def test_axis_contains_the_largest_value_and_wastes_little(most: int) -> None:
    found = axis(most, str)
    assert most <= found.most <= max(1, 2.5 * most)
    assert 2 <= len(found.ticks) <= 5
    assert (found.ticks[0].at, found.ticks[-1].at) == (0, 1)


def test_colour_belongs_to_the_name() -> None:
    first = colours(["gpt-4o", "deepseek-v4-flash"])
    assert first == colours(["gpt-4o", "deepseek-v4-flash"])
    assert first["deepseek-v4-flash"] == colours(["deepseek-v4-flash"])["deepseek-v4-flash"]


def test_no_two_models_share_a_colour_while_there_are_enough() -> None:
    found = colours(f"model-{number}" for number in range(COLOURS + 3))
    assert sorted(colour for colour in found.values() if colour is not None) == list(range(COLOURS))
    assert list(found.values())[COLOURS:] == [None] * 3


def test_no_two_colours_of_the_page_look_alike() -> None:
    css = Path("web/miniapp/page/app.css").read_text()
    for block in css.split("--c0:")[1:]:
        found = re.findall(r"#[0-9a-f]{6}", "--c0:" + block.split("--c7:")[0]) + re.findall(
            r"^ (#[0-9a-f]{6})", block.split("--c7:")[1]
        )
        assert len(found) == COLOURS
        assert min(difference(one, other) for one, other in combinations(found, 2)) >= 0.1
