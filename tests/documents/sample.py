"""An invoice with lines and movements, for tests of documents."""

from datetime import UTC, date, datetime
from typing import Any

from engine.money import Money
from storage.invoices.drafts import ChargeLine, InvoiceDraft, Movement
from storage.invoices.invoices import Invoice, Seller

OCTOBER = date(2026, 10, 1)


def invoice(**changes: Any) -> Invoice:
    """Return an invoice: opening 1 USD, charges 1.20 USD, a plan 9 USD, a top-up 26 USD, closing 16.80 USD."""
    lines = (
        ChargeLine(OCTOBER, "auto", 3, 1200, 800, 2000, Money(0)),
        ChargeLine(OCTOBER, "gpt-4o", 1, 1000, 500, 0, Money(1_200_000_000)),
    )
    movements = (
        Movement(date(2026, 10, 2), "topup", "2000 Stars", Money.usd("26"), 2000, Money(13_000_000)),
        Movement(date(2026, 10, 2), "plan", "plan starter", Money.usd("-9")),
    )
    draft = InvoiceDraft(7, OCTOBER, Money.usd("1"), changes.get("lines", lines), changes.get("movements", movements))
    seller = Seller("Nhà bán Đức Phở", "1 Phố Huế\nHà Nội", "0101", changes.get("vat", "10"))
    return Invoice(12, datetime(2026, 11, 1, 1, tzinfo=UTC), seller, draft)
