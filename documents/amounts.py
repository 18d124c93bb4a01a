"""Amounts as a column wants them: every one with the decimals that the longest needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from engine.money import Money, exact
from storage.invoices.drafts import InvoiceDraft, month_after

LEAST_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """How many decimals all amounts of one paper have, so that their points stand in one line."""

    decimals: int

    @classmethod
    def of(cls, amounts: Iterable[Money]) -> "Column":
        return cls(max((len(str(amount).partition(".")[2]) for amount in amounts), default=LEAST_DECIMALS))

    def say(self, amount: Money) -> str:
        return f"{amount.decimal:,.{self.decimals}f}".replace("-", "−")


@dataclass(frozen=True, slots=True)
class Vat:
    """What a gross amount holds of tax, to the nano-dollar, half to even."""

    percent: Decimal
    net: Money
    tax: Money

    @classmethod
    def within(cls, gross: Money, percent: str) -> "Vat":
        rate = exact(percent) / 100
        tax = Money.from_fraction(gross.nanousd * rate / (1 + rate))
        return cls(Decimal(percent).normalize(), gross - tax, tax)

    @property
    def is_due(self) -> bool:
        return self.percent != 0

    def words(self) -> str:
        return f"{self.percent:f}"


def span(draft: InvoiceDraft) -> tuple[date, date]:
    """The first and the last day of its month."""
    return draft.month, month_after(draft.month) - timedelta(days=1)
