"""Amounts as people read them: an estimate looks like one, and little never reads as nothing."""

import pytest

from bot import charts
from bot.commands.model import about
from bot.commands.providers import _usd
from engine.money import ZERO, Money


@pytest.mark.parametrize(
    ("exact", "said"),
    [("0.000243705", "0.00024"), ("0.0026943", "0.0027"), ("12.346", "12.35"), ("0.5", "0.50"), ("0", "0.00")],
)
def test_an_estimate_has_two_digits_that_count(exact: str, said: str) -> None:
    assert about(Money.usd(exact)) == said


@pytest.mark.parametrize(("atto", "said"), [(10**11, "0.10"), (110775 * 10**6, "0.110775"), (15 * 10**12, "15.00")])
def test_a_price_is_exact_and_has_cents(atto: int, said: str) -> None:
    assert _usd(atto) == said


def test_a_loss_of_less_than_a_cent_is_not_minus_nothing() -> None:
    assert charts.usd(Money(-64_692)) == "-0.000065"
    assert charts.usd(ZERO) == "0.00"
    assert charts.usd(Money.usd("1234.5")) == "1,234.50"


def test_the_chart_of_a_small_day_has_no_powers_of_ten_at_its_side() -> None:
    assert [charts._usd(value) for value in (0.000075, 0.0001, 0.25, 12, 0)] == [
        "0.000075",
        "0.0001",
        "0.25",
        "12",
        "0",
    ]
