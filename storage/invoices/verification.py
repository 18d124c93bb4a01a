"""Verification of issued invoices: each is computed again from the ledger and the journal, and must be equal."""

from collections.abc import Iterator
from typing import Any

from engine.money import ZERO, Money
from storage.database.connection import Connection, month_of, scalar
from storage.invoices import drafts, invoices
from storage.invoices.drafts import InvoiceDraft, LedgerMismatch
from storage.invoices.invoices import Invoice

NAME = "invoice_lines"
RULE = "each invoice equals its month computed again from the ledger and the journal, and opens with the last closing"
PAGE = 200


def differences(conn: Connection, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the invoices numbered above `after` that differ from a new computation, with the differing parts."""
    while page := invoices.page(conn, after, PAGE):
        for invoice in page:
            if differs := _differing_parts(conn, invoice):
                yield {"number": invoice.number, "tenant_id": invoice.draft.tenant_id, "differs": differs}
        after = page[-1].number


def _differing_parts(conn: Connection, invoice: Invoice) -> str:
    frozen = invoice.draft
    try:
        computed = drafts.draft_month(conn, frozen.tenant_id, frozen.month, _opening(conn, frozen))
    except LedgerMismatch as error:
        return str(error)
    parts = {
        "opening": (computed.opening, frozen.opening),
        "lines": (computed.lines, frozen.lines),
        "members": (computed.members, frozen.members),
        "movements": (_amounts(computed), _amounts(frozen)),
        "owed": (computed.owed, frozen.owed),
        "services": (computed.services, _services(conn, invoice)),
    }
    return ", ".join(name for name, (now, then) in parts.items() if now != then)


def _opening(conn: Connection, frozen: InvoiceDraft) -> Money:
    """Return the closing balance of the tenant's previous invoice."""
    sql = "SELECT closing_nanousd FROM invoices WHERE tenant_id = :id AND month < :month ORDER BY month DESC LIMIT 1"
    found = scalar(conn, sql, id=frozen.tenant_id, month=month_of(frozen.month))
    return ZERO if found is None else Money(found)


def _amounts(draft: InvoiceDraft) -> list[tuple[Any, ...]]:
    """Return the parts of movements to compare, without kind and reason, whose words may change between releases."""
    return [(each.day, each.amount, each.stars, each.per_star) for each in draft.movements]


def _services(conn: Connection, invoice: Invoice) -> Money:
    return Money(scalar(conn, "SELECT services_nanousd FROM invoices WHERE number = :n", n=invoice.number))
