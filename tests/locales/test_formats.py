"""Money, numbers and dates in the formats of each language."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import locales
from engine.money import Money
from locales.formats import without_marks

ENGLISH, VIETNAMESE = (locales.find(code).formats for code in ("en", "vi"))
AMOUNTS = st.one_of(st.integers(-(10**18), 10**18), st.integers(-2 * 10**9, 2 * 10**9), st.integers(-(10**5), 10**5))


@pytest.mark.parametrize(
    ("usd", "english", "vietnamese"),
    [
        ("0", "$0.00", "0,00 $"),
        ("12.5", "$12.50", "12,50 $"),
        ("1.25", "$1.25", "1,25 $"),
        ("7.5093455", "$7.51", "7,51 $"),
        ("1000022.3762154", "$1,000,022.38", "1.000.022,38 $"),
        ("0.0004", "0.04 ¢", "0,04 ¢"),
        ("0.5", "50 ¢", "50 ¢"),
        ("0.259784", "25.98 ¢", "25,98 ¢"),
        ("0.0019025", "0.1902 ¢", "0,1902 ¢"),
        ("0.000000001", "0.0000001 ¢", "0,0000001 ¢"),
        ("0.009995", "0.9995 ¢", "0,9995 ¢"),
        ("0.00999949", "0.9999 ¢", "0,9999 ¢"),
        ("0.00999951", "1 ¢", "1 ¢"),
        ("0.09995", "9.995 ¢", "9,995 ¢"),
        ("0.099995", "10 ¢", "10 ¢"),
        ("0.99994", "99.99 ¢", "99,99 ¢"),
        ("0.99995", "$1.00", "1,00 $"),
        ("1", "$1.00", "1,00 $"),
        ("1.005", "$1.00", "1,00 $"),
        ("1.015", "$1.02", "1,02 $"),
        ("9.995", "$10.00", "10,00 $"),
        ("999.995", "$1,000.00", "1.000,00 $"),
        ("-0.0004", "−0.04 ¢", "−0,04 ¢"),
        ("-0.99995", "−$1.00", "−1,00 $"),
        ("-12.5", "−$12.50", "−12,50 $"),
    ],
)
def test_amount_is_written_as_people_read_it(usd: str, english: str, vietnamese: str) -> None:
    assert ENGLISH.money(Money.usd(usd)) == english
    assert VIETNAMESE.money(Money.usd(usd)) == vietnamese


def test_country_is_named_in_the_language_and_an_unknown_one_by_its_code() -> None:
    assert [of.country("DE") for of in (ENGLISH, VIETNAMESE)] == ["Germany", "Đức"]
    assert ENGLISH.country("Q?") == "Q?"


@given(AMOUNTS)
def test_written_amount_is_right_to_its_last_digit(nanousd: int) -> None:
    text = ENGLISH.money(Money(nanousd))
    value, unit = read(text)
    assert abs(value - Decimal(nanousd).scaleb(-9)) <= unit / 2
    assert (value == 0) == (nanousd == 0), "a tiny amount must not read as nothing"


@given(AMOUNTS)
def test_written_amount_has_few_digits(nanousd: int) -> None:
    text = ENGLISH.money(Money(nanousd))
    if text.endswith("¢"):
        digits = re.sub(r"\D", "", text).lstrip("0")
        assert len(digits) <= 4
        assert abs(read(text)[0]) < 1
    else:
        assert re.fullmatch(r"−?\$(\d{1,3}(,\d{3})*)\.\d\d", text)


@given(AMOUNTS, AMOUNTS)
def test_larger_amount_never_reads_as_a_smaller_one(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert read(ENGLISH.money(Money(low)))[0] <= read(ENGLISH.money(Money(high)))[0]


@given(AMOUNTS)
def test_languages_differ_in_signs_only(nanousd: int) -> None:
    value, _ = read(ENGLISH.money(Money(nanousd)))
    other = VIETNAMESE.money(Money(nanousd)).translate({ord("."): ",", ord(","): "."})
    number = other.removesuffix(" $").removesuffix(" ¢").removeprefix("−")
    assert number in ENGLISH.money(Money(nanousd))
    assert other.startswith("−") == (value < 0)


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0", "$0.00"),
        ("0.14", "$0.14"),
        ("0.0028", "$0.0028"),
        ("0.3", "$0.30"),
        ("0.00012346", "$0.0001235"),
        ("2.5", "$2.50"),
        ("1234.5", "$1,234.50"),
        ("0.99996", "$1.00"),
    ],
)
def test_price_is_always_in_dollars(usd: str, text: str) -> None:
    assert ENGLISH.price(Money.usd(usd)) == text


def test_exact_amount_has_nine_decimals() -> None:
    assert ENGLISH.exact(Money.usd("-1234.259784")) == "−$1,234.259784000"
    assert VIETNAMESE.exact(Money(1)) == "0,000000001 $"


def test_separators_are_those_of_the_reader() -> None:
    assert (ENGLISH.count(100_000), VIETNAMESE.count(100_000)) == ("100,000", "100.000")
    assert (ENGLISH.count(-1234), VIETNAMESE.count(999)) == ("−1,234", "999")
    assert (ENGLISH.amount(Decimal("1234.5"), 2), VIETNAMESE.amount(Decimal("1234.5"), 2)) == ("1,234.50", "1.234,50")


def test_dates_are_those_of_the_reader() -> None:
    day = date(2026, 3, 5)
    assert (ENGLISH.day(day), VIETNAMESE.day(day)) == ("5 Mar 2026", "05/03/2026")
    assert (ENGLISH.month(day), VIETNAMESE.month(day)) == ("Mar 2026", "03/2026")


@pytest.mark.parametrize(
    ("value", "form", "english", "vietnamese"),
    [
        (Money.usd("12.5"), "", "$12.50", "12,50 $"),
        (Money.usd("0.0028"), "price", "$0.0028", "0,0028 $"),
        (Money(1), "exact", "$0.000000001", "0,000000001 $"),
        (12_345, "", "12,345", "12.345"),
        (date(2026, 3, 5), "", "5 Mar 2026", "05/03/2026"),
        (datetime(2026, 3, 5, 23, 59, tzinfo=UTC), "time", "23:59", "23:59"),
        (datetime(2026, 3, 5, 23, 59, tzinfo=UTC), "month", "Mar 2026", "03/2026"),
        ("12345", "", "12345", "12345"),
        (True, "", "True", "True"),
        (Decimal("1234.50"), "", "1,234.50", "1.234,50"),
        (1.5, "", "1.5", "1.5"),
    ],
)
def test_value_of_a_text_is_written_by_its_type(value: object, form: str, english: str, vietnamese: str) -> None:
    assert locales.written(ENGLISH, value, form) == english
    assert locales.written(VIETNAMESE, value, form) == vietnamese


def read(text: str) -> tuple[Decimal, Decimal]:
    """Return the dollars of an English amount, and the dollars of its last digit."""
    scale = Decimal("0.01") if text.endswith("¢") else Decimal(1)
    number = re.sub(r"[^0-9.−]", "", text).replace("−", "-")
    unit = Decimal(1).scaleb(-len(number.partition(".")[2])) * scale
    if text.endswith("¢"):  # trailing zeros are left out: the last digit is at most the fourth
        digits = Decimal(number).adjusted()
        unit = min(unit, Decimal(1).scaleb(digits - 3) * scale)
    return Decimal(number) * scale, unit


def test_title_has_no_marks() -> None:
    assert without_marks("**Why** does `x = 2*3` ~~fail~~ in __init__?") == "Why does x = 2*3 fail in init?"
