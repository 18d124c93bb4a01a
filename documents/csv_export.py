"""Tables as CSV, exact: an invoice's lines and movements, usage, margin."""

import csv
import io
from collections.abc import Iterable, Sequence

from documents.amounts import span
from storage.invoices.invoices import Invoice
from storage.reports.usage import UsageRow

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
    draft, name = invoice.draft, invoice.name
    first, last = span(draft)
    rows: list[Sequence[object]] = [(name, first, "opening", *[""] * 7, draft.opening)]
    for each in draft.movements:
        rate = each.per_star if each.stars else ""
        rows.append((name, each.day, each.kind, _tame(each.reason), *[""] * 4, each.stars or "", rate, each.amount))
    for line in draft.lines:
        counts = (line.answers, line.input_tokens, line.output_tokens, line.allowance_tokens)
        rows.append((name, line.day, "charge", _tame(line.model), *counts, "", "", -line.charge))
    return _sheet(HEAD, [*rows, (name, last, "closing", *[""] * 7, draft.closing)])


def usage_csv(rows: Iterable[UsageRow]) -> bytes:
    """What a tenant used, without what it cost the house."""
    head = ("day", "model", "provider", "prompts", "input_tokens", "output_tokens", "allowance_tokens", "charge_usd")
    return _sheet(
        head,
        (
            (
                row.day,
                _tame(row.model),
                _tame(row.provider),
                row.prompts,
                row.input_tokens,
                row.output_tokens,
                row.allowance_tokens,
                row.charge,
            )
            for row in rows
        ),
    )


def margin_csv(rows: Iterable[UsageRow]) -> bytes:
    head = ("day", "model", "provider", "prompts", "charge_usd", "allowance_usd", "cost_usd", "waste_usd", "margin_usd")
    return _sheet(
        head,
        (
            (
                row.day,
                _tame(row.model),
                _tame(row.provider),
                row.prompts,
                row.charge,
                row.allowance_worth,
                row.cost,
                row.waste,
                row.margin,
            )
            for row in rows
        ),
    )


def _sheet(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode()


def _tame(text: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{text}" if text[:1] in set("=+-@\t\r") else text
