"""Money: whole nano-dollars in an int, and every rounding of an amount.

Prices are whole atto-dollars per token (1 USD per 1M tokens = 10**12), so that a sum of tokens x price is exact.
`Money.from_atto` rounds that sum once, half to even.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Self

from msgspec import Struct

NANO_PER_USD = 10**9
NANO_PER_CENT = 10**7
ATTO_PER_NANO = 10**9
TOKENS_PER_MTOK = 10**6
ATTO_PER_TOKEN_PER_USD_PER_MTOK = 10**12
_MOST_DIGITS = 18
_DECIMALS = 9


class Money(Struct, frozen=True, order=True):
    """An amount in whole nano-dollars; negative for a difference."""

    nanousd: int

    @classmethod
    def usd(cls, amount: str | Decimal) -> Self:
        """Read an exact amount.

        Raises ValueError for an amount finer than a nano-dollar and for anything but a number.
        """
        nano = exact(amount) * NANO_PER_USD
        if nano.denominator != 1:
            raise ValueError(f"{amount} USD is finer than a nano-dollar")
        return cls(nano.numerator)

    @classmethod
    def from_atto(cls, atto: int, times: Fraction | None = None) -> Self:
        """Round `atto` x `times` to nano-dollars, half to even, once."""
        unit = ATTO_PER_NANO
        if times is not None:
            atto, unit = atto * times.numerator, unit * times.denominator
        whole, rest = divmod(atto, unit)
        return cls(whole + (2 * rest > unit or (2 * rest == unit and whole % 2)))

    @classmethod
    def from_fraction(cls, nanousd: Fraction) -> Self:
        """Round `nanousd` to whole nano-dollars, half to even."""
        return cls(round(nanousd))

    @classmethod
    def per_mtok(cls, atto_per_token: int) -> Self:
        """Return the price of 1M tokens at `atto_per_token`, half to even."""
        return cls.from_atto(atto_per_token * TOKENS_PER_MTOK)

    @classmethod
    def ceil_atto(cls, atto: int, times: Fraction = Fraction(1)) -> Self:
        """Round `atto` x `times` up to nano-dollars: a hold must cover the whole amount."""
        return cls(-(-atto * times.numerator // (ATTO_PER_NANO * times.denominator)))

    def share(self, part: Fraction) -> "Money":
        """Return `part` of this amount, rounded towards zero: shares never sum to more than the whole."""
        return Money(int(self.nanousd * part))

    def significant(self, digits: int) -> "Money":
        """Return the amount rounded to this number of significant digits, half to even."""
        return self._to_unit(10 ** max(0, len(str(abs(self.nanousd))) - digits))

    def significant_up(self, digits: int) -> "Money":
        """Return the amount rounded up to this number of significant digits: an upper bound for display."""
        unit = 10 ** max(0, len(str(abs(self.nanousd))) - digits)
        return Money(-(-self.nanousd // unit) * unit)

    def rounded(self, decimals: int) -> "Money":
        """Return the amount rounded to this number of decimals of a dollar (0 to 9), half to even."""
        return self._to_unit(10 ** (_DECIMALS - decimals))

    def whole_cents_up(self) -> "Money":
        """Round up to whole cents, so that a payment of the result covers this amount."""
        return Money(-(-self.nanousd // NANO_PER_CENT) * NANO_PER_CENT)

    def _to_unit(self, unit: int) -> "Money":
        whole, rest = divmod(self.nanousd, unit)
        return Money((whole + (2 * rest > unit or (2 * rest == unit and whole % 2))) * unit)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.nanousd + other.nanousd)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.nanousd - other.nanousd)

    def __neg__(self) -> "Money":
        return Money(-self.nanousd)

    def __bool__(self) -> bool:
        return self.nanousd != 0

    @property
    def decimal(self) -> Decimal:
        """The exact amount in USD."""
        return Decimal(self.nanousd).scaleb(-9)

    def __str__(self) -> str:
        """Write the exact amount in USD, with at least two decimals: `1.25`, `-0.000000001`."""
        sign, nano = ("-", -self.nanousd) if self.nanousd < 0 else ("", self.nanousd)
        whole, part = divmod(nano, NANO_PER_USD)
        return f"{sign}{whole}.{f'{part:09d}'.rstrip('0').ljust(2, '0')}"


ZERO = Money(0)


# Only plain ASCII digits without an exponent: computing 1e9999999 takes minutes.
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,18})?|-?\.[0-9]{1,18}")


def exact(number: str | int | Decimal) -> Fraction:
    """Read a decimal number exactly. Raises ValueError unless it is plain, with at most 18 digits on each side."""
    text = f"{number:f}" if isinstance(number, Decimal) and abs(number.adjusted()) < _MOST_DIGITS else str(number)
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is not a decimal number")
    return Fraction(text)


def reported_atto(usd: Decimal, times: Fraction) -> int:
    """Return `usd` x `times` in whole atto-dollars, half to even; the ledger's amounts are far coarser."""
    return round(Fraction(usd) * times * NANO_PER_USD * ATTO_PER_NANO)


def atto_per_token(usd_per_mtok: str | Decimal, times: Fraction = Fraction(1)) -> int:
    """Convert USD per 1M tokens to atto-dollars per token. Raises ValueError if it is negative or not whole."""
    atto = exact(usd_per_mtok) * times * ATTO_PER_TOKEN_PER_USD_PER_MTOK
    if atto.denominator != 1 or atto < 0:
        raise ValueError(f"{usd_per_mtok} USD per 1M tokens is negative or has over 12 decimals")
    return atto.numerator
