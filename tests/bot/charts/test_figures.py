"""The charts: size, colours, and the words on axes and in legends."""

import io
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from PIL import Image

import locales
from bot.charts import colours, drawing, figures
from bot.charts.colours import USUAL
from engine.money import Money
from storage.reports.usage import UsageRow

END = date(2026, 11, 25)
ENGLISH, VIETNAMESE = (locales.find(code).formats for code in ("en", "vi"))
SUMS = {"earned_sum": "5,00 $", "spent_sum": "3,00 $", "answers": "Câu", "answers_sum": "3"}
UNITS = {"tokens": "token", "unit": "USD"}
WORDS = {"title": "Kỳ này", "subtitle": "5,00 $", "others": "Khác", "earned": "Bán", "spent": "Vốn", **SUMS, **UNITS}
LEGEND = 14 * 14 * drawing.SCALE**2


def row(day: date, model: str, tokens: int) -> UsageRow:
    return UsageRow(day, model, "p", 1, tokens, 0, 0, Money(tokens * 3), Money(tokens), Money(tokens), Money(0))


def usage(rows: Sequence[UsageRow], start: date) -> bytes:
    return figures.usage(rows, start, END, WORDS, ENGLISH, lambda each: each.charge)


def margin(rows: Sequence[UsageRow], start: date) -> bytes:
    return figures.margin(rows, start, END, WORDS, ENGLISH)


def picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def pixels(png: bytes, colour: str) -> int:
    found = picture(png).getcolors(1_000_000)
    wanted = tuple(int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return sum(count for count, seen in found or [] if seen == wanted)


@pytest.mark.parametrize("days", [1, 7, 31, 365])
@pytest.mark.parametrize("draw", [usage, margin])
def test_width_is_a_phones_for_any_number_of_days(days: int, draw: object) -> None:
    png = draw([row(END, "deepseek-v4-flash", 1200)], END - timedelta(days=days - 1))  # type: ignore[operator]
    assert picture(png).width == drawing.WIDTH * drawing.SCALE


@pytest.mark.parametrize("draw", [usage, margin])
def test_time_without_usage_is_an_empty_grid(draw: object) -> None:
    assert pixels(draw([], END), colours.FAINT) > 0  # type: ignore[operator]


def test_twice_the_tokens_are_twice_the_coloured_area() -> None:
    start = END - timedelta(days=1)
    small = usage([row(END, "gpt-4o", 5000), row(start, "gpt-4o-mini", 10_000)], start)
    first, second = (pixels(small, USUAL[name]) - LEGEND for name in ("gpt-4o-mini", "gpt-4o"))
    assert first == pytest.approx(2 * second, rel=0.05)


def test_models_beyond_the_most_are_drawn_as_others() -> None:
    rows = [row(END, f"model-{n}", 1000 - n) for n in range(10)]
    assert pixels(usage(rows, END), colours.OTHERS) > LEGEND
    assert pixels(usage(rows[:6], END), colours.OTHERS) == 0


def test_model_has_the_same_colour_whatever_else_was_used() -> None:
    name = "mistral-small-latest"
    alone = usage([row(END, name, 10)], END)
    last = usage([row(END, "a", 90_000), row(END, "b", 80_000), row(END, name, 30_000)], END)
    assert min(pixels(png, USUAL[name]) for png in (alone, last)) > LEGEND


def test_legend_has_tokens_and_money() -> None:
    (series,) = figures._by_model([row(END, "m", 1_234_567)], [END], "others", VIETNAMESE, lambda each: each.charge)
    assert (series.name, series.note) == ("m", "1,23 M · 0,3704 ¢")


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
    assert figures._tokens(ENGLISH, tokens) == words


@pytest.mark.parametrize(
    ("most", "value", "english", "vietnamese"),
    [
        (0.0003, 0, "$0.00", "0,00 $"),
        (0.0003, 0.000075, "0.0075 ¢", "0,0075 ¢"),
        (0.8, 0.2, "20 ¢", "20 ¢"),
        (1, 0.25, "$0.25", "0,25 $"),
        (12, 12, "$12.00", "12,00 $"),
        (10_000, 2500, "$2.5 k", "2,5 k $"),
    ],
)
def test_grid_lines_have_their_unit(most: float, value: float, english: str, vietnamese: str) -> None:
    assert (figures._usd(ENGLISH, most, value), figures._usd(VIETNAMESE, most, value)) == (english, vietnamese)


def test_highest_number_of_answers_is_written_at_its_point() -> None:
    one, many = (
        margin([UsageRow(END, "m", "p", answers, 0, 0, 0, *[Money(0)] * 4)], END) for answers in (1, 123_000_000)
    )
    assert pixels(many, colours.COUNTED) > pixels(one, colours.COUNTED) + 100
