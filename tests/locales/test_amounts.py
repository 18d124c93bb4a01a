"""Amounts that people write, read by the rules of each language."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import locales
from engine.money import Money
from locales.amounts import usd_written

ENGLISH, VIETNAMESE = (locales.find(code).formats for code in ("en", "vi"))


@pytest.mark.parametrize(
    ("text", "english", "vietnamese"),
    [
        ("5¢", "0.05", "0.05"),
        ("5 ¢", "0.05", "0.05"),
        ("¢5", "0.05", "0.05"),
        ("0.5¢", "0.005", "0.005"),
        ("0,5¢", "0.005", "0.005"),
        ("0.125 cents", "0.00125", "0.00125"),
        ("20 xu", "0.20", "0.20"),
        ("5c", "0.05", "0.05"),
        ("٥ ¢", "0.05", "0.05"),
        ("५", "5", "5"),
        ("$1", "1", "1"),
        ("1 $", "1", "1"),
        ("1 USD", "1", "1"),
        ("US$2.50", "2.50", "2.50"),
        ("2,50 $", "2.50", "2.50"),
        (".5", "0.5", "0.5"),
        ("3 đô la", "3", "3"),
        ("3 đô", "3", "3"),
        ("1,000", "1000", "1"),
        ("1.000", "1", "1000"),
        ("1.250 $", "1.25", "1250"),
        ("1,000.50", "1000.50", "1000.50"),
        ("1.000,50", "1000.50", "1000.50"),
        ("1.000.000", "1000000", "1000000"),
        ("0", "0", "0"),
    ],
)
def test_amount_is_read_as_the_language_writes_it(text: str, english: str, vietnamese: str) -> None:
    assert usd_written(text, ENGLISH) == Decimal(english)
    assert usd_written(text, VIETNAMESE) == Decimal(vietnamese)


@pytest.mark.parametrize(
    "text", ["", "$", "five", "-5", "1e9", "$5¢", "5 €", "1.2.3", "1,00,0", ".", ",", "5 5", "½", "9" * 41, "5 ¢ each"]
)
def test_other_text_is_no_amount(text: str) -> None:
    assert usd_written(text, ENGLISH) is None
    assert usd_written(text, VIETNAMESE) is None


@given(st.integers(1, 10**15), st.sampled_from(["en", "vi"]))
def test_every_amount_that_the_bot_writes_is_read_as_it_was_rounded(nanousd: int, code: str) -> None:
    formats, amount = locales.find(code).formats, Money(nanousd)
    shown = amount.significant(4) if amount.significant(4) < Money.usd("1") else amount.rounded(2)
    assert usd_written(formats.money(amount), formats) == shown.decimal


@given(st.text(max_size=50))
def test_any_text_is_read_or_refused(text: str) -> None:
    for formats in (ENGLISH, VIETNAMESE):
        found = usd_written(text, formats)
        assert found is None or found >= 0
