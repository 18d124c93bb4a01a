"""Colours of the charts: fixed for each model, and readable on light and dark chats."""

import pytest

from bot.charts.colours import BACKGROUND, EARNED, FURTHER, INK, OTHERS, SOFT, SPENT, USUAL, colour_of

WHITE, BLACK = "#ffffff", "#000000"


def luminance(colour: str) -> float:
    """Return the relative luminance as defined by the WCAG."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
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


def test_no_two_usual_models_share_a_colour() -> None:
    assert len({*USUAL.values()}) == len(USUAL)
    assert len({*FURTHER, *USUAL.values()}) == len(FURTHER) + len(USUAL)


def test_reseller_keeps_the_colour_of_the_model() -> None:
    assert colour_of("deepseek/deepseek-v4-flash") == colour_of("deepseek-v4-flash")
    assert colour_of("some-model") == colour_of("vendor/some-model") in FURTHER
