"""The operator's invoices: a list, one in full, as PDF and as CSV."""

import asyncio
import re
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from documents.amounts import Vat
from documents.csv_export import invoice_csv
from documents.invoice import invoice_pdf
from storage.database.connection import row_number
from storage.invoices import addresses, invoices
from storage.invoices.drafts import LedgerMismatch
from storage.invoices.invoices import Invoice, Seller
from storage.tenants import tenants
from web.admin.tenants import TenantStore
from web.errors import HttpProblem, bad_request, not_found
from web.openapi_parts import KEY_ERRORS, errors, file
from web.schemas import InvoiceFull, InvoiceList

_MONTH = re.compile(r"[1-9][0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)
Month = Annotated[
    str | None,
    Query(
        description="A month, such as 2026-10",
        examples=["2026-10"],
        json_schema_extra={"pattern": f"^{_MONTH.pattern}$"},
    ),
]


def invoice_row(invoice: Invoice) -> dict[str, Any]:
    draft = invoice.draft
    vat = Vat.within(draft.services, invoice.seller.vat_percent)
    return {
        "id": invoice.name,
        "tenant_id": str(draft.tenant_id),
        "month": f"{draft.month:%Y-%m}",
        "issued_at": invoice.issued_at.isoformat().replace("+00:00", "Z"),
        "opening_usd": str(draft.opening),
        "total_usd": str(draft.services),
        "net_usd": str(vat.net),
        "vat_usd": str(vat.tax),
        "vat_percent": vat.percent_text,
        "closing_usd": str(draft.closing),
        "owed_usd": str(draft.owed),
    }


def full_invoice(invoice: Invoice) -> dict[str, Any]:
    lines = [
        {
            "day": str(line.day),
            "model": line.model,
            "answers": line.answers,
            "input_tokens": line.input_tokens,
            "output_tokens": line.output_tokens,
            "allowance_tokens": line.allowance_tokens,
            "charge_usd": str(line.charge),
        }
        for line in invoice.draft.lines
    ]
    movements = [
        {
            "day": str(each.day),
            "kind": each.kind,
            "reason": each.reason,
            "amount_usd": str(each.amount),
            "stars": each.stars or None,
            "usd_per_star": str(each.per_star) if each.stars else None,
        }
        for each in invoice.draft.movements
    ]
    return {**invoice_row(invoice), "lines": lines, "movements": movements}


def router(store: TenantStore, seller: Seller) -> APIRouter:
    routes = APIRouter(prefix="/admin", tags=["invoices"], responses=errors(*KEY_ERRORS))

    @routes.get("/invoices", summary="All invoices by number, in pages", responses=errors(400))
    async def listing(
        month: Month = None,
        cursor: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> InvoiceList:
        first = _month(month)
        found = await store.db.read(lambda conn: invoices.page(conn, cursor, limit + 1, first))
        more = str(found[limit - 1].number) if len(found) > limit else None
        return InvoiceList.model_validate({"data": [invoice_row(each) for each in found[:limit]], "next": more})

    @routes.get("/invoices/{invoice_id}", summary="One invoice with its lines and movements", responses=errors(404))
    async def one(invoice_id: str) -> InvoiceFull:
        return InvoiceFull.model_validate(full_invoice(await _found(store, invoice_id)))

    @routes.get(
        "/invoices/{invoice_id}/pdf",
        summary="One invoice as PDF",
        response_class=Response,
        responses=file("application/pdf") | errors(404),
    )
    async def pdf(invoice_id: str, language: str = "en") -> Response:
        invoice = await _found(store, invoice_id)
        customer = await store.db.read(lambda conn: tenants.state(conn, invoice.draft.tenant_id))
        name, address = (customer.name, addresses.of_settings(customer.settings)) if customer else ("", None)
        content = await asyncio.to_thread(invoice_pdf, invoice, name, language, address=address)
        return _download(content, "application/pdf", f"{invoice.name}.pdf")

    @routes.get(
        "/invoices/{invoice_id}/csv",
        summary="One invoice as CSV",
        response_class=Response,
        responses=file("text/csv") | errors(404),
    )
    async def sheet(invoice_id: str) -> Response:
        invoice = await _found(store, invoice_id)
        return _download(invoice_csv(invoice), "text/csv; charset=utf-8", f"{invoice.name}.csv")

    @routes.get(
        "/tenants/{tenant_id}/invoices",
        summary="A tenant's invoices, newest first; past months are issued now",
        responses=errors(404, 409, words={409: "Ledger and journal disagree; nothing was issued"}),
    )
    async def of_tenant(tenant_id: str) -> InvoiceList:
        tenant = await store.state(tenant_id)
        try:
            await invoices.issue_due(store.db, tenant.id, seller, store.clock.now())
        except LedgerMismatch as error:
            raise HttpProblem(
                409,
                f"Ledger and journal disagree; nothing was issued: {error}. Run the audit.",
                code="books_disagree",
            ) from error
        found = await store.db.read(lambda conn: invoices.of_tenant(conn, tenant.id))
        return InvoiceList.model_validate({"data": [invoice_row(each) for each in found], "next": None})

    return routes


async def _found(store: TenantStore, text_id: str) -> Invoice:
    """Return the invoice with a name such as F-000001, or with this number. Raises HttpProblem 404."""
    number = row_number(text_id.removeprefix("F-"))
    invoice = None if number is None else await store.db.read(lambda conn: invoices.by_number(conn, number))
    if invoice is None:
        raise not_found(f"There is no invoice {text_id}.")
    return invoice


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    if not _MONTH.fullmatch(text):
        raise bad_request("month", f"month: {text!r} is not a month; write it as 2026-10.")
    return date.fromisoformat(f"{text}-01")


def _download(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})
