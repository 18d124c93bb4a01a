"""Colours of the charts: fixed for each model, and readable on light and dark chats."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.colours import BACKGROUND, EARNED, FURTHER, INK, OTHERS, SOFT, SPENT, USUAL, colours_of
from bot.charts.figures import MOST_MODELS
from tests.perceived import difference, linear

WHITE, BLACK = "#ffffff", "#000000"


def luminance(colour: str) -> float:
    """Return the relative luminance as defined by the WCAG."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [*USUAL.values(), *FURTHER, OTHERS, EARNED, SPENT])
def test_bar_stands_out_from_the_background(colour: str) -> None:
    assert contrast(colour, BACKGROUND) >= 3


def test_words_can_be_read() -> None:
    assert contrast(INK, BACKGROUND) >= 7
    assert contrast(SOFT, BACKGROUND) >= 4.5


def test_no_two_colours_look_alike() -> None:
    every = [*USUAL.values(), *FURTHER, OTHERS]
    assert min(difference(one, other) for one, other in combinations(every, 2)) >= 0.1


@given(
    st.lists(st.sampled_from([*USUAL, "qwen3-32b", "x/glm-5"]) | st.text(max_size=9), max_size=MOST_MODELS, unique=True)
)
def test_no_two_models_of_a_chart_share_a_colour(models: list[str]) -> None:
    found = colours_of(models)
    assert len({*found}) == len(models)
    assert all(found[at] == USUAL[model] for at, model in enumerate(models) if model in USUAL)


def test_model_keeps_its_colour_beside_others() -> None:
    assert colours_of(["qwen/qwen3-32b", "gpt-4o"])[0] == colours_of(["qwen3-32b"])[0]
    assert colours_of(["a", "openai/gpt-4o"])[1] == USUAL["gpt-4o"]
    assert colours_of(["some-model"]) == colours_of(["vendor/some-model"])


def test_more_models_than_colours_share_some() -> None:
    assert len(colours_of([f"model-{number}" for number in range(99)])) == 99
