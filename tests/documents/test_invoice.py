import io
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pypdf import PdfReader

from documents.invoice import invoice_pdf
from engine.money import Money
from storage.invoices.addresses import InvoiceAddress
from storage.invoices.drafts import ChargeLine
from tests.documents.sample import OCTOBER, invoice


def read(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_invoice_prints_seller_customer_and_amounts() -> None:
    text = " ".join(read(invoice_pdf(invoice(), "Nguyễn Thị Ánh")).split())
    for words in (
        "F-000012",
        "1 Nov 2026",
        "1 Oct 2026 – 31 Oct 2026",
        "Nhà bán Đức Phở",
        "Hà Nội",
        "Tax ID 0101",
        "Nguyễn Thị Ánh",
        "Account no. 7",
        "2,000 Telegram Stars × $0.013",
        "VAT 10 %",
        "10.20",
        "16.80",
        "total $10.200000000",
        "at the end $16.800000000",
    ):
        assert words in text, words


def test_invoice_without_vat_does_not_mention_it() -> None:
    text = read(invoice_pdf(invoice(vat="0")))
    assert "VAT" not in text
    assert "10.20" in text


def test_same_invoice_gives_the_same_bytes() -> None:
    assert invoice_pdf(invoice(), "Ann") == invoice_pdf(invoice(), "Ann")


def test_customer_without_a_name_is_printed_as_an_account_number() -> None:
    assert "Account no. 7" in read(invoice_pdf(invoice(), ""))


def test_characters_that_the_typeface_lacks_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    text = read(invoice_pdf(invoice(), "🦊 A\u0301nh 𝔘𝔫𝔦 محمد Ω"))
    assert "Customer\nÁnh Uni Ω\nAccount no. 7" in text
    assert "Customer\nAccount no. 7" in read(invoice_pdf(invoice(), "王小明"))
    assert not caplog.records


def colours_of(pdf: bytes, size: float) -> set[str]:
    """Return the colours of the first page's texts in this size, as rrggbb."""
    found: set[str] = set()
    now = {"size": 0.0, "colour": ""}

    def visit(operator: bytes, operands: Any, *_: Any) -> None:
        if operator == b"Tf":
            now["size"] = float(operands[1])
        elif operator == b"rg":
            now["colour"] = "".join(f"{round(float(each) * 255):02x}" for each in operands)
        elif operator == b"Tj" and now["size"] == size:
            found.add(str(now["colour"]))

    PdfReader(io.BytesIO(pdf)).pages[0].extract_text(visitor_operand_before=visit)
    return found


def test_total_of_a_month_with_payments_only_is_printed_in_full_colour() -> None:
    made = invoice(lines=())
    paid = replace(made, draft=replace(made.draft, movements=made.draft.movements[:1]))
    assert colours_of(invoice_pdf(paid, "Ann"), 12.0) == {"1c2733"}


@pytest.mark.parametrize("lines", [7, 8, 9, 10, 44, 45, 46, 47])
def test_notes_stay_on_the_page_of_the_statement(lines: int) -> None:
    each = tuple(ChargeLine(OCTOBER, f"m{n}", 1, 1, 1, 0, Money(n)) for n in range(lines))
    last = PdfReader(io.BytesIO(invoice_pdf(invoice(lines=each), "Ann"))).pages[-1].extract_text()
    assert "Balance at the end" in last
    assert "Exact to the nano-dollar" in " ".join(last.split())


@pytest.mark.parametrize("name", ["李明 👩‍💻", "Ann\nBob", "<b>&amp;</b>", "א" * 200])
def test_unusual_names_are_printed(name: str) -> None:
    assert "F-000012" in read(invoice_pdf(invoice(), name))


def test_long_table_repeats_its_header_on_every_page() -> None:
    lines = tuple(ChargeLine(OCTOBER, f"vendor/{'m' * 50}-{n}", 1, 1, 1, 0, Money(n)) for n in range(200))
    pages = PdfReader(io.BytesIO(invoice_pdf(invoice(lines=lines)))).pages
    assert len(pages) > 3
    assert all("Charged USD" in page.extract_text() for page in pages[:3])
    assert f"page 1 of {len(pages)}" in pages[0].extract_text()


def test_invoice_is_printed_in_vietnamese() -> None:
    assert "Hóa đơn" in read(invoice_pdf(invoice(), "Ann", "vi"))


ADDRESS = InvoiceAddress("Ánh Dương Co.", "12 Lý Thường Kiệt\nHoàn Kiếm\nHà Nội 100000\nViệt Nam", "0101234567")


def test_address_takes_the_place_of_the_name() -> None:
    text = read(invoice_pdf(invoice(), "Ann", "en", address=ADDRESS))
    lines = ("Ánh Dương Co.", "12 Lý Thường Kiệt", "Hoàn Kiếm", "Hà Nội 100000", "Việt Nam", "Tax ID 0101234567")
    assert "\n".join((*lines, "Account no. 7")) in text
    assert "Ann" not in text


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("days", [1, 7, 12, 14, 15, 31])
def test_invoice_of_a_light_month_has_one_page(days: int, language: str) -> None:
    lines = tuple(ChargeLine(date(2026, 10, day + 1), "auto", 1, 10, 10, 0, Money.usd("0.01")) for day in range(days))
    payments = invoice().draft.movements
    address = replace(ADDRESS, address="Hoàn Kiếm\nHà Nội") if days > 12 else ADDRESS
    pdf = invoice_pdf(invoice(lines=lines, movements=payments), "Ann", language, address=address)
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 1


def test_long_month_has_a_line_for_each_model() -> None:
    lines = tuple(
        ChargeLine(date(2026, 10, day), model, 1, 10, 10, 0, Money.usd("0.01"))
        for day in range(1, 11)
        for model in ("auto", "gpt-4o")
    )
    text = " ".join(read(invoice_pdf(invoice(lines=lines))).split())
    assert "Oct 2026 auto 10 100 100 – 0.10 Oct 2026 gpt-4o 10 100 100 – 0.10" in text
    assert "Total 20 200 200 – 0.20" in text
