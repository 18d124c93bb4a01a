import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.amounts import Column, Vat
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


def test_amounts_of_a_column_have_equal_decimals() -> None:
    column = Column.of(FORMATS, [Money.usd("1"), Money.usd("-1234.5671")])
    assert [column.text(Money.usd(usd)) for usd in ("1", "-1234.5671")] == ["1.0000", "−1,234.5671"]
    assert Column.of(FORMATS, []).text(Money.usd("2")) == "2.00"
