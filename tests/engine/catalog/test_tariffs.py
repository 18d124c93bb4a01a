"""The tariff of a model, found by its name, and the worth of tokens."""

from fractions import Fraction

from engine.catalog.tariffs import tokens_worth
from engine.money import ZERO, Money
from engine.tenancy import Flat, Markup


def test_tokens_have_the_price_of_a_flat_tariff() -> None:
    assert tokens_worth(Flat(5 * 10**12), 2_500) == Money.usd("0.0125")
    assert tokens_worth(Markup(Fraction(7, 5)), 2_500) == ZERO
    assert tokens_worth(None, 2_500) == ZERO
