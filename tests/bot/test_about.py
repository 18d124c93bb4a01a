"""Amounts as people read them."""

import pytest

from bot import charts
from bot.commands.model import about
from bot.commands.providers import _usd
from engine.money import ZERO, Money


@pytest.mark.parametrize(
    ("exact", "shown"),
    [("0.000243705", "0.00024"), ("0.0026943", "0.0027"), ("12.346", "12.35"), ("0.5", "0.50"), ("0", "0.00")],
)
def test_estimate_has_two_significant_digits(exact: str, shown: str) -> None:
    assert about(Money.usd(exact)) == shown


@pytest.mark.parametrize(("atto", "shown"), [(10**11, "0.10"), (110775 * 10**6, "0.110775"), (15 * 10**12, "15.00")])
def test_price_is_exact_and_has_cents(atto: int, shown: str) -> None:
    assert _usd(atto) == shown


def test_loss_below_a_cent_is_not_shown_as_zero() -> None:
    assert charts.usd(Money(-64_692)) == "-0.000065"
    assert charts.usd(ZERO) == "0.00"
    assert charts.usd(Money.usd("1234.5")) == "1,234.50"


def test_small_values_of_a_chart_have_no_exponents() -> None:
    assert [charts._usd(value) for value in (0.000075, 0.0001, 0.25, 12, 0)] == [
        "0.000075",
        "0.0001",
        "0.25",
        "12",
        "0",
    ]
