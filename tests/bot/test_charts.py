import io
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot import charts
from engine.money import Money
from storage.reports.usage import UsageRow

END = date(2026, 11, 25)
SUMS = {"earned_sum": "5,00 $", "spent_sum": "3,00 $", "answers": "Câu", "answers_sum": "3"}
WORDS = {"title": "Kỳ này", "subtitle": "5,00 $", "others": "Khác", "earned": "Bán", "spent": "Vốn", **SUMS}


def row(day: date, model: str, tokens: int) -> UsageRow:
    return UsageRow(day, model, "p", 1, tokens, 0, 0, Money(tokens * 3), Money(tokens), Money(tokens), Money(0))


def picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def pixels(png: bytes, colour: str) -> int:
    found = picture(png).getcolors(1_000_000)
    wanted = tuple(int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return sum(count for count, seen in found or [] if seen == wanted)


@pytest.mark.parametrize("days", [1, 7, 31, 365])
@pytest.mark.parametrize("draw", [charts.usage, charts.margin])
def test_width_is_a_phones_for_any_number_of_days(days: int, draw: object) -> None:
    start = END - timedelta(days=days - 1)
    png = draw([row(END, "deepseek-v4-flash", 1200)], start, END, WORDS)  # type: ignore[operator]
    assert picture(png).width == charts.WIDTH * charts.SCALE


def test_twice_the_tokens_are_twice_the_coloured_area() -> None:
    start = END - timedelta(days=1)
    small = charts.usage([row(END, "m", 5000), row(start, "n", 10_000)], start, END, WORDS)
    first, second = charts.COLOURS[:2]
    legend = 14 * 14 * charts.SCALE**2
    assert pixels(small, first) - legend == pytest.approx(2 * (pixels(small, second) - legend), rel=0.05)


def test_models_beyond_the_colours_are_drawn_as_others() -> None:
    rows = [row(END, f"model-{n}", 1000 - n) for n in range(10)]
    assert pixels(charts.usage(rows, END, END, WORDS), charts.OTHERS) > 14 * 14 * charts.SCALE**2
    assert pixels(charts.usage(rows[:6], END, END, WORDS), charts.OTHERS) == 0


def test_long_name_keeps_both_ends_and_fits() -> None:
    drawing = charts._Drawing(1)
    short = drawing._fit("openrouter/" + "x" * 100 + "-20260929", 17, 300)
    assert short.startswith("openrouter/")
    assert short.endswith("0929")
    assert drawing._width(short, 17) <= 300


@given(st.floats(1e-6, 1e12))
def test_highest_bar_fills_at_least_a_third_of_the_plot(value: float) -> None:
    assert value <= charts._round_up(value) <= 3 * value


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1 k"),
        (999_499, "999 k"),
        (999_950, "1 M"),
        (12_345_678, "12.3 M"),
        (10**12, "1 T"),
    ],
)
def test_tokens_have_three_digits_and_a_unit(tokens: int, words: str) -> None:
    assert charts._tokens(tokens) == words


def test_small_values_of_a_chart_have_no_exponents() -> None:
    assert [charts._usd(value) for value in (0.000075, 0.0001, 0.25, 12, 0)] == [
        "0.000075",
        "0.0001",
        "0.25",
        "12",
        "0",
    ]
