"""The format of numbers and dates in one language."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Formats:
    """Separators and signs of numbers; strftime patterns of dates."""

    decimal: str
    group: str
    minus: str
    day_pattern: str
    month_pattern: str

    def amount(self, value: Decimal, decimals: int) -> str:
        return self._separated(f"{value:,.{decimals}f}")

    def count(self, number: int) -> str:
        return self._separated(f"{number:,}")

    def day(self, day: date) -> str:
        return day.strftime(self.day_pattern)

    def month(self, day: date) -> str:
        return day.strftime(self.month_pattern)

    def _separated(self, plain: str) -> str:
        return plain.translate({ord(","): self.group, ord("."): self.decimal, ord("-"): self.minus})
