"""The operator's routes for invoices."""

import io

import pytest
from pypdf import PdfReader

from engine.money import Money
from storage.database.connection import Connection
from storage.ledger import transfers
from storage.tenants import tenants
from tests.builders import month_to_invoice
from tests.web.conftest import ADMIN_KEY, RunningApi


async def credited_last_month(api: RunningApi, count: int = 1) -> list[int]:
    """Create tenants who were credited 5 USD last month; return their ids."""
    free = api.container.plans["free"]

    def unit(conn: Connection) -> int:
        made = tenants.create(conn, "Ánh Nguyễn", free, now=month_to_invoice())
        transfers.credit(conn, made, Money.usd("5"), ref=f"gift:{made}", reason="welcome", now=month_to_invoice())
        return made

    return [await api.container.db.write(unit) for _ in range(count)]


async def test_past_month_is_issued_when_it_is_asked_for(api: RunningApi) -> None:
    (owner,) = await credited_last_month(api)
    async with api.http(ADMIN_KEY) as admin:
        assert (await admin.get("/admin/invoices")).json()["data"] == []
        for _ in range(2):
            (row,) = (await admin.get(f"/admin/tenants/{owner}/invoices")).json()["data"]
        assert (row["id"], row["tenant_id"], row["month"]) == ("F-000001", str(owner), f"{month_to_invoice():%Y-%m}")
        assert (row["opening_usd"], row["total_usd"], row["closing_usd"]) == ("0.00", "0.00", "5.00")
        for name in ("F-000001", "1"):
            whole = (await admin.get(f"/admin/invoices/{name}")).json()
            assert [(each["reason"], each["amount_usd"]) for each in whole["movements"]] == [("welcome", "5.00")]
            assert whole["movements"][0]["usd_per_star"] is None


async def test_invoices_are_listed_in_pages_and_by_month(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        for owner in await credited_last_month(api, 3):
            await admin.get(f"/admin/tenants/{owner}/invoices")
        first = (await admin.get("/admin/invoices", params={"limit": 2})).json()
        assert [each["id"] for each in first["data"]] == ["F-000001", "F-000002"]
        rest = (await admin.get("/admin/invoices", params={"limit": 2, "cursor": first["next"]})).json()
        assert ([each["id"] for each in rest["data"]], rest["next"]) == (["F-000003"], None)
        month = {"month": f"{month_to_invoice():%Y-%m}"}
        assert len((await admin.get("/admin/invoices", params=month)).json()["data"]) == 3
        assert (await admin.get("/admin/invoices", params={"month": "2020-01"})).json()["data"] == []


async def test_pdf_and_csv_are_downloads(api: RunningApi) -> None:
    (owner,) = await credited_last_month(api)
    async with api.http(ADMIN_KEY) as admin:
        await admin.get(f"/admin/tenants/{owner}/invoices")
        pdf = await admin.get("/admin/invoices/F-000001/pdf")
        sheet = await admin.get("/admin/invoices/F-000001/csv")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["content-disposition"] == 'attachment; filename="F-000001.pdf"'
    assert "Ánh Nguyễn" in PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert sheet.text.splitlines()[-1].endswith("5.00")


@pytest.mark.parametrize("name", ["F-000002", "nothing", "²", "9" * 30])
async def test_unknown_invoice_is_not_found(api: RunningApi, name: str) -> None:
    async with api.http(ADMIN_KEY) as admin:
        for kind in ("", "/pdf", "/csv"):
            assert (await admin.get(f"/admin/invoices/{name}{kind}")).status_code == 404


@pytest.mark.parametrize("month", ["2026-13", "November", "2026-11-01"])
async def test_wrong_month_is_named(api: RunningApi, month: str) -> None:
    async with api.http(ADMIN_KEY) as admin:
        answer = await admin.get("/admin/invoices", params={"month": month})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "month")


async def test_ledger_that_disagrees_with_the_journal_is_a_409(api: RunningApi) -> None:
    (owner,) = await credited_last_month(api)
    sql = (
        "INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)"
        " SELECT 'charge', credit, 'house:charges', 5, tenant_id, 'hold:lost', '', created_at FROM transfers"
        " WHERE tenant_id = :owner"
    )
    await api.container.db.write(lambda conn: conn.run(sql, owner=owner))
    async with api.http(ADMIN_KEY) as admin:
        answer = await admin.get(f"/admin/tenants/{owner}/invoices")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "books_disagree")
