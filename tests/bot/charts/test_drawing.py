"""A chart's picture: names that fit, and bars that use the plot."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bot.charts import drawing


def test_long_name_keeps_both_ends_and_fits() -> None:
    made = drawing.Drawing(1)
    short = made._fit("openrouter/" + "x" * 100 + "-20260929", 17, 300)
    assert short.startswith("openrouter/")
    assert short.endswith("0929")
    assert made._width(short, 17) <= 300


@given(st.floats(1e-6, 1e12))
def test_highest_bar_fills_at_least_a_third_of_the_plot(value: float) -> None:
    assert value <= drawing._round_up(value) <= 3 * value


def test_line_of_nothing_is_drawn_at_the_bottom() -> None:
    made = drawing.Drawing(1)
    made.plot([date(2026, 11, 25)], 0, "USD", str, str)
    made.line([0.0], "#8ec5ff", str)
    assert made.png().startswith(b"\x89PNG")
