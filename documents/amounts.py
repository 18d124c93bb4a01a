"""Amounts of an invoice: a column of equal decimals, and the VAT within a gross amount."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from engine.money import Money, exact
from locales.formats import Formats
from storage.invoices.drafts import InvoiceDraft, month_after

LEAST_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """The decimals that all amounts of one invoice have, so that their points align."""

    formats: Formats
    decimals: int

    @classmethod
    def of(cls, formats: Formats, amounts: Iterable[Money]) -> "Column":
        """Return a column with as many decimals as the longest amount needs."""
        return cls(formats, max((len(str(amount).partition(".")[2]) for amount in amounts), default=LEAST_DECIMALS))

    def text(self, amount: Money) -> str:
        return self.formats.amount(amount.decimal, self.decimals)


@dataclass(frozen=True, slots=True)
class Vat:
    """The net amount and the tax within a gross amount, to the nano-dollar, rounded half-even."""

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

    @property
    def percent_text(self) -> str:
        """The percentage without trailing zeros."""
        return f"{self.percent:f}"


def span(draft: InvoiceDraft) -> tuple[date, date]:
    """Return the first and the last day of the invoice's month."""
    return draft.month, month_after(draft.month) - timedelta(days=1)
