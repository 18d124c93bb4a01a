from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.money import Money, atto_per_token, exact, reported_atto


@given(st.integers(-(10**15), 10**15))
def test_printed_amount_reads_back_exactly(nano: int) -> None:
    assert Money.usd(str(Money(nano))) == Money(nano)


def test_amounts_show_at_least_two_decimals() -> None:
    assert [str(Money.usd(usd)) for usd in ("0", "1.5", "-0.000000001")] == ["0.00", "1.50", "-0.000000001"]


def test_halves_round_to_even_once() -> None:
    assert [Money.from_atto(atto).nanousd for atto in (500_000_000, 1_500_000_000, 2_500_000_000)] == [
        0,
        2,
        2,
    ]


@given(st.integers(-(10**30), 10**30), st.fractions(min_value=-100, max_value=100))
def test_rounding_equals_the_one_of_exact_fractions(atto: int, times: Fraction) -> None:
    assert Money.from_atto(atto, times).nanousd == round(Fraction(atto, 10**9) * times)


@pytest.mark.parametrize(
    ("nanousd", "rounded"),
    [("1/2", 0), ("3/2", 2), ("5/2", 2), ("-1/2", 0), ("-3/2", -2), ("-5/2", -2), ("7/3", 2), ("8/3", 3)],
)
def test_fractions_round_half_to_even(nanousd: str, rounded: int) -> None:
    assert Money.from_fraction(Fraction(nanousd)) == Money(rounded)


@pytest.mark.parametrize(
    ("atto", "price"), [(499, 0), (500, 0), (501, 1), (1_500, 2), (2_500, 2), (140 * 10**9, 140 * 10**6)]
)
def test_price_of_a_million_tokens_rounds_half_to_even(atto: int, price: int) -> None:
    assert Money.per_mtok(atto) == Money(price)


def test_share_rounds_towards_zero() -> None:
    assert [Money(nano).share(Fraction(2, 3)).nanousd for nano in (3, 4, 5, -5)] == [2, 2, 3, -3]


@given(st.integers(0, 10**15), st.integers(1, 10**6), st.data())
def test_shares_never_sum_to_more_than_the_whole(nano: int, parts: int, data: st.DataObject) -> None:
    part = Fraction(data.draw(st.integers(0, parts)), parts)
    assert Money(nano).share(part) + Money(nano).share(1 - part) <= Money(nano)


@given(st.integers(0, 10**24), st.fractions(0, 10))
def test_a_ceiling_covers_every_rounding(atto: int, times: Fraction) -> None:
    assert Money.ceil_atto(atto, times) >= Money.from_atto(atto, times)


def test_prices_become_whole_atto_dollars() -> None:
    assert atto_per_token("0.0028") == 2_800_000_000
    assert atto_per_token("0.03", Fraction("1.055")) == 31_650_000_000


@pytest.mark.parametrize(
    "bad", ["", "a", "NaN", "Infinity", "1,5", "1e3", "1e9999999", "+1", " 1", "\uff11", "1_000", "9" * 19]
)
def test_text_that_is_no_plain_number_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="number"):
        exact(bad)


def test_finer_than_a_nano_dollar_is_refused() -> None:
    with pytest.raises(ValueError, match="nano-dollar"):
        Money.usd("0.0000000001")


def test_negative_prices_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        atto_per_token("-1")


@pytest.mark.parametrize(
    ("nanousd", "expected"),
    [(0, 0), (7, 7), (123, 120), (125, 120), (135, 140), (996, 1000), (-1234, -1200), (921_600_000, 920_000_000)],
)
def test_estimate_has_two_significant_digits(nanousd: int, expected: int) -> None:
    assert Money(nanousd).significant(2) == Money(expected)


def test_amounts_are_added_subtracted_and_negated() -> None:
    assert Money(5) + Money(3) == Money(8)
    assert Money(5) - Money(8) == Money(-3)
    assert -Money(5) == Money(-5)


def test_only_an_amount_of_zero_is_false() -> None:
    assert [bool(Money(nano)) for nano in (0, 1, -1)] == [False, True, True]


def test_decimal_with_an_exponent_is_read_exactly() -> None:
    assert exact(Decimal("1E+2")) == 100
    assert exact(Decimal("1E-7")) == Fraction(1, 10**7)
    with pytest.raises(ValueError, match="number"):
        exact(Decimal("1E+18"))


def test_amount_is_rounded_up_by_the_exact_factor() -> None:
    assert Money.ceil_atto(10**9, Fraction(1, 3)) == Money(1)
    assert Money.ceil_atto(7 * 10**9, Fraction(1, 3)) == Money(3)
    assert type(Money.ceil_atto(10**27 + 1, Fraction(1, 3)).nanousd) is int


def test_significant_digits_round_half_to_even() -> None:
    assert [Money(nano).significant(1).nanousd for nano in (25, 35, 36)] == [20, 40, 40]


def test_reported_bill_is_read_in_atto_dollars_with_its_fee() -> None:
    assert reported_atto(Decimal("0.002"), Fraction("1.05")) == 21 * 10**14


def test_price_of_zero_is_a_price() -> None:
    assert atto_per_token("0") == 0


@pytest.mark.parametrize(
    ("nanousd", "digits", "expected"),
    [(1234, 2, 1300), (1200, 2, 1200), (1, 2, 1), (0, 2, 0), (999, 1, 1000), (1_000_000_001, 2, 1_100_000_000)],
)
def test_upper_bound_to_show_is_rounded_up(nanousd: int, digits: int, expected: int) -> None:
    assert Money(nanousd).significant_up(digits) == Money(expected)
