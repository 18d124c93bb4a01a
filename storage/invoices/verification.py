"""Invoices drawn up again: what was frozen must come out of the ledger and the journal once more, to the unit."""

from collections.abc import Iterator
from typing import Any

from engine.money import ZERO, Money
from storage.database.connection import Connection, scalar
from storage.invoices import drafts, invoices
from storage.invoices.drafts import InvoiceDraft, LedgerMismatch
from storage.invoices.invoices import Invoice
from storage.ledger.holds import month_of

NAME = "invoice_lines"
RULE = "every invoice's lines and movements are what the books say of its month, and follow the one before"
PAGE = 200


def differences(conn: Connection, after: int = 0) -> Iterator[dict[str, Any]]:
    """Invoices numbered above `after` that would be drawn up otherwise today, each with what differs."""
    while page := invoices.page(conn, after, PAGE):
        for invoice in page:
            if different := _different(conn, invoice):
                yield {"number": invoice.number, "tenant_id": invoice.draft.tenant_id, "differs": different}
        after = page[-1].number


def _different(conn: Connection, invoice: Invoice) -> str:
    frozen = invoice.draft
    try:
        today = drafts.draft_month(conn, frozen.tenant_id, frozen.month, _opening(conn, frozen))
    except LedgerMismatch as error:
        return str(error)
    parts = {
        "opening": (today.opening, frozen.opening),
        "lines": (today.lines, frozen.lines),
        "movements": (_amounts(today), _amounts(frozen)),
        "owed": (today.owed, frozen.owed),
        "services": (today.services, _services(conn, invoice)),
    }
    return ", ".join(name for name, (now, then) in parts.items() if now != then)


def _opening(conn: Connection, frozen: InvoiceDraft) -> Money:
    """The closing of the tenant's invoice before."""
    sql = "SELECT closing_nanousd FROM invoices WHERE tenant_id = :id AND month < :month ORDER BY month DESC LIMIT 1"
    found = scalar(conn, sql, id=frozen.tenant_id, month=month_of(frozen.month))
    return ZERO if found is None else Money(found)


def _amounts(draft: InvoiceDraft) -> list[tuple[Any, ...]]:
    """Words may be put otherwise by a later release; days, sums and Stars may not."""
    return [(each.day, each.amount, each.stars, each.per_star) for each in draft.movements]


def _services(conn: Connection, invoice: Invoice) -> Money:
    return Money(scalar(conn, "SELECT services_nanousd FROM invoices WHERE number = :n", n=invoice.number))
