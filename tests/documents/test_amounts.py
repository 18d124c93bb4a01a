import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.amounts import Vat, to_cents
from engine.money import Money
from locales import find

FORMATS = find("en").formats


@given(gross=st.integers(-(10**15), 10**15), percent=st.sampled_from(["0", "5", "7.7", "10", "19", "20", "25.5"]))
def test_net_and_tax_sum_to_the_gross_amount(gross: int, percent: str) -> None:
    vat = Vat.within(Money(gross), percent)
    assert vat.net + vat.tax == Money(gross)
    assert abs(vat.tax.nanousd * (100 + float(percent)) - gross * float(percent)) <= 0.51 * (100 + float(percent))


@pytest.mark.parametrize(("percent", "text"), [("0", "0"), ("10", "10"), ("7.70", "7.7"), ("100", "100")])
def test_rate_is_printed_without_trailing_zeros(percent: str, text: str) -> None:
    assert Vat.within(Money(1), percent).percent_text == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0", "0.00"),
        ("0.259784", "0.26"),
        ("-1234.5671", "−1,234.57"),
        ("0.005000001", "0.01"),
        ("0.005", "< 0.01"),
        ("0.000000001", "< 0.01"),
        ("-0.000000001", "> −0.01"),
    ],
)
def test_amount_has_two_decimals_and_only_zero_reads_as_zero(usd: str, text: str) -> None:
    assert to_cents(FORMATS, Money.usd(usd)) == text


@given(gross=st.integers(-(10**15), 10**15), percent=st.sampled_from(["0", "5", "7.7", "10", "19", "25.5"]))
def test_shown_net_and_tax_sum_to_the_shown_gross_amount(gross: int, percent: str) -> None:
    net, tax = Vat.within(Money(gross), percent).shown
    assert net + tax == Money(gross).rounded(2)
