"""Amounts of an invoice: in dollars and cents, and the VAT within a gross amount."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from engine.money import Money, exact
from locales.formats import Formats
from storage.invoices.drafts import InvoiceDraft
from storage.invoices.months import month_after

CENT = Money(10**7)


def to_cents(formats: Formats, amount: Money) -> str:
    """Return an amount with two decimals. Below half a cent it is `< 0.01`, so that only zero is shown as zero."""
    rounded = amount.rounded(2)
    if amount and not rounded:
        return (
            f"{'> ' if amount < Money(0) else '< '}{formats.amount((CENT if amount > Money(0) else -CENT).decimal, 2)}"
        )
    return formats.amount(rounded.decimal, 2)


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
    def shown(self) -> tuple[Money, Money]:
        """Net amount and tax in whole cents, which add up to the gross amount in whole cents."""
        tax = self.tax.rounded(2)
        return (self.net + self.tax).rounded(2) - tax, tax

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
