"""Invoices as CSV: every line and every movement of a month, exact."""

import csv
import io

from paper.amounts import span
from storage.invoices import Invoice

HEAD = (
    "invoice",
    "day",
    "kind",
    "text",
    "answers",
    "input_tokens",
    "output_tokens",
    "allowance_tokens",
    "stars",
    "usd_per_star",
    "amount_usd",
)


def invoice_csv(invoice: Invoice) -> bytes:
    """The amounts from `opening` on add up to `closing`."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    draft, name = invoice.draft, invoice.name
    first, last = span(draft)
    writer.writerow((name, first, "opening", "", "", "", "", "", "", "", draft.opening))
    for each in draft.movements:
        rate = each.per_star if each.stars else ""
        writer.writerow((name, each.day, each.kind, _tame(each.reason), *[""] * 4, each.stars or "", rate, each.amount))
    for line in draft.lines:
        counts = (line.answers, line.input_tokens, line.output_tokens, line.allowance_tokens)
        writer.writerow((name, line.day, "charge", _tame(line.model), *counts, "", "", -line.charge))
    writer.writerow((name, last, "closing", "", "", "", "", "", "", "", draft.closing))
    return out.getvalue().encode()


def _tame(text: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{text}" if text[:1] in set("=+-@\t\r") else text
