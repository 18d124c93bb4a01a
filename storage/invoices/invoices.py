"""Invoices: drafts stored under consecutive numbers and never changed again."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from engine.money import Money
from storage.database import watermarks
from storage.database.connection import Connection, Row, for_update, moment, month_of, ms, row, scalar
from storage.database.database import Database
from storage.invoices.drafts import (
    ChargeLine,
    InvoiceDraft,
    MemberLine,
    Movement,
    last_closed,
    next_draft,
)
from storage.invoices.months import month_after, month_begins, month_from

_COUNTER, _DONE = "invoices", "invoiced_until"


@dataclass(frozen=True, slots=True)
class Seller:
    """The [seller] section at the time when the invoice was issued. Prices include VAT."""

    name: str = ""
    address: str = ""
    tax_id: str = ""
    vat_percent: str = "0"


@dataclass(frozen=True, slots=True)
class Invoice:
    """A numbered draft, which never changes again. It holds no customer name, so that a name can be deleted."""

    number: int
    issued_at: datetime
    seller: Seller
    draft: InvoiceDraft = field(repr=False)

    @property
    def name(self) -> str:
        """The printed number, such as F-000001."""
        return f"F-{self.number:06d}"


async def issue_due(db: Database, tenant_id: int, seller: Seller, now: datetime) -> int:
    """Issue the missing invoices of a tenant's closed months, in order, and return their number.

    Raises LedgerMismatch.
    """
    issued = 0
    while (draft := await db.read(lambda conn: next_draft(conn, tenant_id, now))) is not None:
        issued += await db.write(partial(issue, draft=draft, seller=seller, now=now)) is not None
    return issued


def issue(conn: Connection, draft: InvoiceDraft, seller: Seller, now: datetime) -> Invoice | None:
    """Store a draft under the next number. Return None if its month was invoiced meanwhile; no number is skipped."""
    conn.run("INSERT INTO watermarks (name, value) VALUES (:name, '0') ON CONFLICT (name) DO NOTHING", name=_COUNTER)
    last = scalar(conn, "SELECT value FROM watermarks WHERE name = :name" + for_update(conn), name=_COUNTER)
    known = "SELECT number FROM invoices WHERE tenant_id = :id AND month = :month"
    if row(conn, known, id=draft.tenant_id, month=month_of(draft.month)) is not None:
        return None
    invoice = Invoice(int(last) + 1, now, seller, draft)
    conn.run("UPDATE watermarks SET value = :value WHERE name = :name", name=_COUNTER, value=str(invoice.number))
    conn.run(
        "INSERT INTO invoices (number, tenant_id, month, from_at, until_at, issued_at, opening_nanousd, moved_nanousd,"
        " closing_nanousd, services_nanousd, document) VALUES (:number, :tenant, :month, :start, :end, :now, :opening,"
        " :moved, :closing, :services, :document)",
        number=invoice.number,
        tenant=draft.tenant_id,
        month=month_of(draft.month),
        start=month_begins(draft.month),
        end=month_begins(month_after(draft.month)),
        now=ms(now),
        opening=draft.opening.nanousd,
        moved=draft.moved.nanousd,
        closing=draft.closing.nanousd,
        services=draft.services.nanousd,
        document=_to_json(invoice),
    )
    return invoice


def all_issued(conn: Connection, now: datetime) -> bool:
    """Return whether the invoices of all tenants' closed months have been issued."""
    return watermarks.read(conn, _DONE) == str(last_closed(now))


def note_all_issued(conn: Connection, now: datetime) -> None:
    watermarks.write(conn, _DONE, str(last_closed(now)))


def of_tenant(conn: Connection, tenant_id: int, month: date | None = None) -> list[Invoice]:
    """Return a tenant's invoices, newest first, or only the one of `month`."""
    only = "" if month is None else " AND month = :month"
    found = conn.rows(
        f"SELECT * FROM invoices WHERE tenant_id = :id{only} ORDER BY month DESC",
        id=tenant_id,
        **({"month": month_of(month)} if month else {}),
    )
    return [_invoice(each) for each in found]


def page(conn: Connection, after: int, limit: int, month: date | None = None) -> list[Invoice]:
    """Return the first `limit` invoices numbered above `after`, in order, or only those of `month`."""
    only = "" if month is None else " AND month = :month"
    found = conn.rows(
        f"SELECT * FROM invoices WHERE number > :after{only} ORDER BY number LIMIT :limit",
        after=after,
        limit=limit,
        **({"month": month_of(month)} if month else {}),
    )
    return [_invoice(each) for each in found]


def member_names(conn: Connection, invoice: Invoice) -> dict[int, str]:
    """Return the present names of the members on an invoice; empty for those who had theirs deleted."""
    names = (
        (each.tenant_id, scalar(conn, "SELECT name FROM tenants WHERE id = :id", id=each.tenant_id))
        for each in invoice.draft.members
    )
    return {tenant_id: name or "" for tenant_id, name in names}


def by_number(conn: Connection, number: int) -> Invoice | None:
    found = row(conn, "SELECT * FROM invoices WHERE number = :number", number=number)
    return None if found is None else _invoice(found)


def _to_json(invoice: Invoice) -> str:
    """Return the invoice's content in its stored form."""
    draft = invoice.draft
    return json.dumps(
        {
            "seller": asdict(invoice.seller),
            "owed": draft.owed.nanousd,
            "lines": [_json_values(asdict(line)) for line in draft.lines],
            "movements": [_json_values(asdict(each)) for each in draft.movements],
            "members": [_json_values(asdict(each)) for each in draft.members],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _json_values(values: dict[str, Any]) -> dict[str, Any]:
    """Convert dates to text and money to nano-dollars."""
    return {
        name: value.nanousd if isinstance(value, Money) else str(value) if isinstance(value, date) else value
        for name, value in values.items()
    }


def _invoice(found: Row) -> Invoice:
    document = json.loads(found["document"])
    draft = InvoiceDraft(
        found["tenant_id"],
        month_from(found["month"]),
        Money(found["opening_nanousd"]),
        tuple(
            ChargeLine(**{**each, "day": date.fromisoformat(each["day"]), "charge": Money(each["charge"])})
            for each in document["lines"]
        ),
        tuple(
            Movement(
                **{
                    **each,
                    "day": date.fromisoformat(each["day"]),
                    "amount": Money(each["amount"]),
                    "per_star": Money(each["per_star"]),
                }
            )
            for each in document["movements"]
        ),
        Money(document["owed"]),
        tuple(MemberLine(**{**each, "charge": Money(each["charge"])}) for each in document.get("members", ())),
    )
    return Invoice(found["number"], moment(found["issued_at"]), Seller(**document["seller"]), draft)
