"""Amounts of money as people write them: `5¢`, `$1.50`, `1,25 $`, `20 xu`."""

import re
import unicodedata
from decimal import Decimal

from locales.formats import Formats

MOST_CHARS = 40
_DOLLAR, _CENT = r"us\$|usd|\$|dollars?|đô(?:[ -]la)?", r"¢|cents?|ct|c|xu"
_AMOUNT = re.compile(rf"(?:({_DOLLAR})|({_CENT}))?\s*([\d.,]+)\s*(?:({_DOLLAR})|({_CENT}))?", re.IGNORECASE)
_PLAIN = re.compile(r"(\d{0,12})[.,]?(\d{0,12})")


def usd_written(text: str, formats: Formats) -> Decimal | None:
    """Return the amount in USD that a text contains, or None. A number without a unit is in dollars.

    A separator that may stand between thousands or before decimals is read by the language's rule.
    """
    found = _AMOUNT.fullmatch(_with_digits(text).strip()) if len(text) <= MOST_CHARS else None
    number = _number(found[3], formats) if found else None
    if found is None or number is None:
        return None
    in_dollars, in_cents = bool(found[1] or found[4]), bool(found[2] or found[5])
    if in_dollars and in_cents:
        return None
    return number.scaleb(-2) if in_cents else number


def _with_digits(text: str) -> str:
    """Return the text with the digits of other scripts, such as Arabic ones, as 0 to 9."""
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in text)


def _number(digits: str, formats: Formats) -> Decimal | None:
    """Return the value of digits with separators."""
    group, decimal = formats.group, formats.decimal
    if _grouped(group, decimal).fullmatch(digits):
        return Decimal(digits.replace(group, "").replace(decimal, "."))
    if _grouped(decimal, group, clear=True).fullmatch(digits):  # in the format of other languages
        return Decimal(digits.replace(decimal, "").replace(group, "."))
    found = _PLAIN.fullmatch(digits)
    return Decimal(f"{found[1] or 0}.{found[2] or 0}") if found and (found[1] or found[2]) else None


def _grouped(group: str, decimal: str, *, clear: bool = False) -> re.Pattern[str]:
    """Return the pattern of a number with thousands. `clear`: only numbers that can't be read as decimals."""
    thousands, decimals = rf"(?:{re.escape(group)}\d{{3}})", rf"{re.escape(decimal)}\d{{1,12}}"
    if clear:
        return re.compile(rf"[1-9]\d{{0,2}}(?:{thousands}{{2,4}}(?:{decimals})?|{thousands}{decimals})")
    return re.compile(rf"[1-9]\d{{0,2}}{thousands}{{1,4}}(?:{decimals})?")
