"""The format of numbers, dates and amounts of money in one language."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol, runtime_checkable

SIGNIFICANT_DIGITS = 4
"""The most significant digits of an amount below a dollar. Above, it has two decimals."""
_NANO_PER_USD = 10**9
_NANO_EXPONENT, _CENT_EXPONENT = -9, -7


@runtime_checkable
class Amount(Protocol):
    """An amount of money in whole nano-dollars, with the roundings of the engine's `Money`."""

    @property
    def nanousd(self) -> int: ...

    def significant(self, digits: int) -> "Amount": ...

    def rounded(self, decimals: int) -> "Amount": ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Separators and signs of numbers; patterns of amounts and dates.

    `dollars` and `cents` have `{n}`, the number. `day_pattern` and `month_pattern` have `{day}`, `{month}` and `{year}`
    as numbers, and `{name}`, the month's entry in `months`.
    """

    decimal: str
    group: str
    minus: str
    dollars: str
    cents: str
    day_pattern: str
    month_pattern: str
    months: tuple[str, ...]

    def money(self, amount: Amount) -> str:
        """Return an amount as people read it: `$12.50`, `0.04 ¢`. Only zero reads as zero."""
        small = amount.significant(SIGNIFICANT_DIGITS)
        if not small.nanousd or abs(small.nanousd) >= _NANO_PER_USD:
            return self._signed(self.dollars, _usd(amount.rounded(2)), 2)
        value = Decimal(small.nanousd).scaleb(_CENT_EXPONENT).normalize()
        return self._signed(self.cents, value, _decimals(value))

    def price(self, amount: Amount) -> str:
        """Return a price for comparison with others: always in dollars, with two decimals or more: `$0.0028`."""
        small = amount.significant(SIGNIFICANT_DIGITS)
        value = _usd(small if abs(small.nanousd) < _NANO_PER_USD else amount.rounded(2)).normalize()
        return self._signed(self.dollars, value, max(2, _decimals(value)))

    def exact(self, amount: Amount) -> str:
        """Return an amount to the nano-dollar, with nine decimals."""
        return self._signed(self.dollars, _usd(amount), -_NANO_EXPONENT)

    def amount(self, value: Decimal, decimals: int) -> str:
        return self._separated(f"{value:,.{decimals}f}")

    def count(self, number: int) -> str:
        return self._separated(f"{number:,}")

    def day(self, day: date) -> str:
        return self._date(self.day_pattern, day)

    def month(self, day: date) -> str:
        return self._date(self.month_pattern, day)

    def _signed(self, pattern: str, value: Decimal, decimals: int) -> str:
        sign = self.minus if value < 0 else ""
        return sign + pattern.format(n=self.amount(abs(value), decimals))

    def _date(self, pattern: str, day: date) -> str:
        return pattern.format(day=day.day, month=day.month, year=day.year, name=self.months[day.month - 1])

    def _separated(self, plain: str) -> str:
        return plain.translate({ord(","): self.group, ord("."): self.decimal, ord("-"): self.minus})


def _usd(amount: Amount) -> Decimal:
    return Decimal(amount.nanousd).scaleb(_NANO_EXPONENT)


def _decimals(value: Decimal) -> int:
    """Return the number of decimals of a normalized value."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def as_code(text: str) -> str:
    """Return foreign text as Markdown code, so that its characters are not read as Markdown."""
    return "`" + text.replace("`", "'") + "`"
