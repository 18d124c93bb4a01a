"""CSV exports with exact amounts: an invoice's lines and movements, usage, margin."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from documents.amounts import span
from storage.invoices.invoices import Invoice
from storage.ledger.shares import DayShare, MemberShare
from storage.reports.usage import UsageRow

INVOICE_HEADER = (
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


def invoice_csv(invoice: Invoice, names: Mapping[int, str] = MappingProxyType({})) -> bytes:
    """Return an invoice's lines and movements. The amounts before the row `closing` add up to its amount.

    The rows after it are parts of the charges, by member of a team or group. `names`: the members' names.
    """
    draft, name = invoice.draft, invoice.name
    first, last = span(draft)
    rows: list[Sequence[object]] = [(name, first, "opening", *[""] * 7, draft.opening)]
    for each in draft.movements:
        rate = each.per_star if each.stars else ""
        rows.append((name, each.day, each.kind, _escaped(each.reason), *[""] * 4, each.stars or "", rate, each.amount))
    for line in draft.lines:
        counts = (line.answers, line.input_tokens, line.output_tokens, line.allowance_tokens)
        rows.append((name, line.day, "charge", _escaped(line.model), *counts, "", "", -line.charge))
    rows.append((name, last, "closing", *[""] * 7, draft.closing))
    for member in draft.members:
        counts = (member.answers, member.input_tokens, member.output_tokens, member.allowance_tokens)
        called = _escaped(names.get(member.tenant_id, "") or str(member.tenant_id))
        rows.append((name, last, "member", called, *counts, "", "", -member.charge))
    return _csv(INVOICE_HEADER, rows)


def shares_csv(shares: Iterable[DayShare]) -> bytes:
    """Return the members' use of a shared wallet by day; `value_usd` includes the plan's tokens at their price."""
    names = ("day", "member", "name", "answers", "allowance_tokens", "charge_usd", "value_usd")
    return _csv(names, (_share_row(each.day, each.share) for each in shares))


def _share_row(day: int, share: MemberShare) -> Sequence[object]:
    written = f"{day // 10000}-{day // 100 % 100:02d}-{day % 100:02d}"
    counts = share.answers, share.allowance_tokens
    return written, share.tenant_id, _escaped(share.name), *counts, share.charge, share.worth


def usage_csv(rows: Iterable[UsageRow]) -> bytes:
    """Return a tenant's usage, without the operator's costs."""
    names = ("day", "model", "provider", "prompts", "input_tokens", "output_tokens", "allowance_tokens", "charge_usd")
    return _csv(
        names,
        (
            (
                row.day,
                _escaped(row.model),
                _escaped(row.provider),
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
    """Return charges, costs and margin for the operator."""
    names = (
        "day",
        "model",
        "provider",
        "prompts",
        "charge_usd",
        "allowance_usd",
        "cost_usd",
        "waste_usd",
        "margin_usd",
    )
    return _csv(
        names,
        (
            (
                row.day,
                _escaped(row.model),
                _escaped(row.provider),
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


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def _escaped(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would read as a formula."""
    return f"'{text}" if text[:1] in set("=+-@\t\r") else text
