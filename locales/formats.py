"""The formats of numbers, dates and amounts of money in one language, from the Unicode CLDR by way of Babel."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeGuard

if TYPE_CHECKING:  # imported at the first use, because a language's CLDR data take 1 to 5 MB
    from babel import Locale
    from babel.numbers import NumberPattern

SIGNIFICANT_DIGITS = 4
"""The most significant digits of an amount below a dollar. Above, it has two decimals."""
MINUS = "−"
_MARKS = re.compile(r"\*\*|__|~~|\|\||`+")
_NANO_PER_USD = 10**9
_NANO_EXPONENT, _CENT_EXPONENT = -9, -7


class Amount(Protocol):
    """An amount of money in whole nano-dollars, with the roundings of the engine's `Money`."""

    @property
    def nanousd(self) -> int: ...

    def significant(self, digits: int) -> "Amount": ...

    def rounded(self, decimals: int) -> "Amount": ...


def is_amount(value: object) -> TypeGuard[Amount]:
    """Return whether a value is an amount of money: `isinstance` would look up each method, for each text."""
    return hasattr(value, "nanousd")


@dataclass(frozen=True, slots=True)
class Formats:
    """Numbers, dates and amounts in one language. `patterns`: the texts `format.*` from its translators."""

    locale: "Locale"
    patterns: Mapping[str, str]

    @property
    def decimal(self) -> str:
        from babel.numbers import get_decimal_symbol  # noqa: PLC0415 - see above

        return get_decimal_symbol(self.locale)

    @property
    def group(self) -> str:
        from babel.numbers import get_group_symbol  # noqa: PLC0415 - see above

        return get_group_symbol(self.locale)

    def money(self, amount: Amount) -> str:
        """Return an amount in readable form: `$12.50`, `0.04 ¢`. Only zero is shown as zero."""
        small = amount.significant(SIGNIFICANT_DIGITS)
        if not small.nanousd or abs(small.nanousd) >= _NANO_PER_USD:
            return self._dollars(_usd(amount.rounded(2)), 2)
        value = Decimal(small.nanousd).scaleb(_CENT_EXPONENT).normalize()
        return _signed(self.patterns["cents"].format(n=self.amount(abs(value), _decimals(value))), value)

    def price(self, amount: Amount) -> str:
        """Return a price for comparison with others: always in dollars, with two or more decimals: `$0.0028`."""
        small = amount.significant(SIGNIFICANT_DIGITS)
        value = _usd(small if abs(small.nanousd) < _NANO_PER_USD else amount.rounded(2)).normalize()
        return self._dollars(value, max(2, _decimals(value)))

    def exact(self, amount: Amount) -> str:
        """Return an amount to the nano-dollar, with nine decimals."""
        return self._dollars(_usd(amount), -_NANO_EXPONENT)

    def amount(self, value: Decimal, decimals: int) -> str:
        """Return a number with a fixed number of decimals."""
        return _signed(_number_pattern(self.locale, decimals).apply(abs(value), self.locale), value)

    def count(self, number: int) -> str:
        return self.amount(Decimal(number), 0)

    def day(self, day: date) -> str:
        return self._date(day, self.patterns.get("day") or "medium")

    def short_day(self, day: date) -> str:
        """Return a day without its year, for a chart's axis."""
        return self._date(day, self.patterns.get("short_day") or "d MMM")

    def month(self, day: date) -> str:
        return self._date(day, self.patterns.get("month") or "MMM y")

    def time(self, moment: datetime) -> str:
        """Return the time of day in the moment's own time zone."""
        from babel.dates import format_time  # noqa: PLC0415 - see above

        return format_time(moment, self.patterns.get("time") or "short", moment.tzinfo, self.locale)

    def clock(self, moment: datetime) -> str:
        """Return the time of day. If the zone is UTC, its name follows, because the reader has not chosen another."""
        return self.time(moment) + _utc(moment)

    def seconds(self, moment: datetime) -> str:
        """Return the time of day to the second; the zone is named as in `clock`."""
        return self._moment(moment, self.patterns.get("seconds") or "HH:mm:ss")

    def moment(self, moment: datetime) -> str:
        """Return the day and the time of day; the zone is named as in `clock`."""
        return self._moment(moment, self.patterns.get("moment") or "short")

    def city(self, zone: str) -> str:
        """Return the city that a time zone, such as Asia/Tokyo, is named after."""
        from babel.dates import get_timezone_location  # noqa: PLC0415 - see above

        return get_timezone_location(zone, locale=self.locale, return_city=True)

    def country(self, code: str) -> str:
        """Return the name of the country with this code of ISO 3166; for an unknown code the code itself."""
        return str(self.locale.territories.get(code, code))

    def _moment(self, moment: datetime, pattern: str) -> str:
        from babel.dates import format_datetime  # noqa: PLC0415 - see above

        return format_datetime(moment, pattern, moment.tzinfo, self.locale) + _utc(moment)

    def _date(self, day: date, pattern: str) -> str:
        from babel.dates import format_date  # noqa: PLC0415 - see above

        return format_date(day, pattern, self.locale)

    def in_dollars(self, number: str) -> str:
        """Put the dollar sign beside a number that is formatted already."""
        before, after = _currency(self.locale)
        return before + number + after

    def _dollars(self, value: Decimal, decimals: int) -> str:
        return _signed(self.in_dollars(self.amount(abs(value), decimals)), value)


@cache
def _number_pattern(locale: "Locale", decimals: int) -> "NumberPattern":
    """Return the language's pattern for numbers, such as `#,##0.###`, with a fixed number of decimals."""
    from babel.numbers import parse_pattern  # noqa: PLC0415 - see above

    whole = locale.decimal_formats[None].pattern.partition(".")[0]
    return parse_pattern(f"{whole}.{'0' * decimals}" if decimals else whole)


@cache
def _currency(locale: "Locale") -> tuple[str, str]:
    """Return the signs before and after an amount in dollars. The sign is `$`, even if CLDR writes `US$`."""
    pattern = locale.currency_formats["standard"]
    before, after = (part.replace("¤", "$").replace("\xa0", " ") for part in (pattern.prefix[0], pattern.suffix[0]))
    return before, after


def _utc(moment: datetime) -> str:
    return " UTC" if moment.tzname() == "UTC" else ""


def _signed(text: str, value: Decimal | int) -> str:
    return MINUS + text if value < 0 else text


def _usd(amount: Amount) -> Decimal:
    return Decimal(amount.nanousd).scaleb(_NANO_EXPONENT)


def _decimals(value: Decimal) -> int:
    """Return the number of decimals of a normalized value."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def as_code(text: str) -> str:
    """Return foreign text as Markdown code, so that its characters are not read as Markdown."""
    return "`" + text.replace("`", "'") + "`"


def without_marks(text: str) -> str:
    """Return text for a title: without Markdown's marks of bold, italics, deletions, spoilers and code."""
    return _MARKS.sub("", text)
