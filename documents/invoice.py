"""An invoice as a PDF: A4, one typeface, amounts in whole cents. The same invoice gives the same bytes."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING

from documents.amounts import Vat, span, to_cents
from documents.fonts import drawable, typeface
from engine.money import Money
from locales import Language, find
from storage.invoices.drafts import Movement
from storage.invoices.invoices import Invoice

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.table import Table

INK, SOFT, RULE, TINT = (28, 39, 51), (96, 110, 124), (205, 213, 221), (244, 247, 250)
LEFT, RIGHT, TOP, WIDE = 20, 20, 18, 170
SERVICES = {"plan", "plan_credit"}
ROW, STATEMENT = 6.7, 70
"""Heights in millimetres: a table row; the statement without payments, with the notes under it."""
TYPEFACE, EMPTY = "Source", "–"


def invoice_pdf(
    invoice: Invoice, customer: str = "", language: str = "en", members: Mapping[int, str] = MappingProxyType({})
) -> bytes:
    """Render an invoice. `customer` is the customer's name; if it is empty, only the account's number is printed.

    `members`: the names of the members of a team, by their account's number.
    """
    return _InvoicePdf(invoice, customer, find(language), members).render()


class _InvoicePdf:
    def __init__(self, invoice: Invoice, customer: str, language: Language, members: Mapping[int, str]) -> None:
        self._invoice, self._customer, self._names = invoice, customer, members
        self._texts, self._formats = language.invoice, language.formats
        draft = invoice.draft
        self._vat = Vat.within(draft.services, invoice.seller.vat_percent)

    def render(self) -> bytes:
        pdf = _new_pdf(self._invoice, self._texts)
        pdf.add_page()
        self._header(pdf)
        self._services(pdf)
        self._members(pdf)
        self._plans(pdf)
        self._totals(pdf)
        self._statement(pdf)
        self._notes(pdf)
        return bytes(pdf.output())

    def _header(self, pdf: "FPDF") -> None:
        seller, draft, t = self._invoice.seller, self._invoice.draft, self._texts
        pdf.set_font(TYPEFACE, "B", 24)
        pdf.cell(0, 12, t["invoice"], new_x="LMARGIN", new_y="NEXT")
        pdf.ln(4)
        first, last = span(draft)
        top = pdf.get_y()
        sold = [*seller.address.splitlines(), t["tax_id"].format(id=seller.tax_id) if seller.tax_id else ""]
        self._block(pdf, LEFT, top, t["seller"], [seller.name or t["no_seller"], *sold])
        self._block(
            pdf, LEFT, pdf.get_y() + 4, t["customer"], [self._customer, t["account"].format(id=draft.tenant_id)]
        )
        bottom = pdf.get_y()
        facts = ((t["number"], self._invoice.name), (t["issued"], self._formats.day(self._invoice.issued_at)))
        pdf.set_y(top)
        for label, value in (*facts, (t["period"], f"{self._formats.day(first)} – {self._formats.day(last)}")):
            pdf.set_x(118)
            self._label_style(pdf)
            pdf.cell(30, 6, label)
            self._text_style(pdf)
            pdf.cell(42, 6, value, align="R", new_x="LMARGIN", new_y="NEXT")
        pdf.set_y(max(bottom, pdf.get_y()) + 8)

    def _block(self, pdf: "FPDF", x: float, y: float, label: str, lines: list[str]) -> None:
        pdf.set_xy(x, y)
        self._label_style(pdf)
        pdf.cell(90, 5, label, new_x="LEFT", new_y="NEXT")
        self._text_style(pdf)
        for number, line in enumerate(filter(None, map(drawable, lines))):
            pdf.set_font(TYPEFACE, "B" if number == 0 else "", 10.5)
            pdf.multi_cell(90, 5, line, align="L", new_x="LEFT", new_y="NEXT")

    def _services(self, pdf: "FPDF") -> None:
        t, draft = self._texts, self._invoice.draft
        self._title(pdf, t["services"])
        if not draft.lines:
            self._label_style(pdf)
            pdf.cell(0, 6, t["none"], new_x="LMARGIN", new_y="NEXT")
            return
        names = ("day", "model", "answers", "tokens_in", "tokens_out", "allowance", "charge")
        with _table(pdf, (20, 57, 16, 20, 20, 19, 28), "LLRRRRR") as table:
            _row(table, [t[name] for name in names])
            for line in draft.lines:
                counts = (line.answers, line.input_tokens, line.output_tokens, line.allowance_tokens)
                charge = self._amount(line.charge) if line.charge else EMPTY
                _row(table, [self._formats.day(line.day), line.model, *map(self._count, counts), charge])
            sums = (
                sum(line.answers for line in draft.lines),
                sum(line.input_tokens for line in draft.lines),
                sum(line.output_tokens for line in draft.lines),
                sum(line.allowance_tokens for line in draft.lines),
            )
            _row(table, [t["sum"], "", *map(self._count, sums), self._amount(draft.charges)], strong=True)

    def _members(self, pdf: "FPDF") -> None:
        """Print the parts of a team's or a group's members."""
        t, found = self._texts, self._invoice.draft.members
        if not found:
            return
        self._title(pdf, t["members"])
        names = ("member", "answers", "tokens_in", "tokens_out", "allowance", "charge")
        with _table(pdf, (77, 16, 20, 20, 19, 28), "LRRRRR") as table:
            _row(table, [t[name] for name in names])
            for each in found:
                counts = (each.answers, each.input_tokens, each.output_tokens, each.allowance_tokens)
                name = drawable(self._names.get(each.tenant_id, "")) or t["account"].format(id=each.tenant_id)
                charge = self._amount(each.charge) if each.charge else EMPTY
                _row(table, [name, *map(self._count, counts), charge])

    def _plans(self, pdf: "FPDF") -> None:
        found = [each for each in self._invoice.draft.movements if each.kind in SERVICES]
        if not found:
            return
        self._title(pdf, self._texts["plans"])
        with _table(pdf, (21, 118, 41), "LLR") as table:
            _row(table, [self._texts[name] for name in ("day", "text", "amount")])
            for each in found:
                _row(table, [self._formats.day(each.day), self._described(each), self._amount(-each.amount)])

    def _totals(self, pdf: "FPDF") -> None:
        t, vat, gross = self._texts, self._vat, self._invoice.draft.services
        pdf.ln(4)
        if vat.is_due:
            net, tax = vat.shown
            self._total(pdf, t["total_net"], net)
            self._total(pdf, t["total_vat"].format(percent=vat.percent_text), tax)
        self._total(pdf, t["total"] if vat.is_due else t["total_no_vat"], gross, strong=True)

    def _total(self, pdf: "FPDF", label: str, amount: Money, *, strong: bool = False) -> None:
        pdf.set_x(LEFT + 85)
        self._text_style(pdf)
        pdf.set_font(TYPEFACE, "B" if strong else "", 12 if strong else 10.5)
        pdf.set_draw_color(*RULE)
        border: str = "T" if strong else ""
        pdf.cell(45, 7, label, border=border)
        pdf.cell(40, 7, self._amount(amount), align="R", border=border, new_x="LMARGIN", new_y="NEXT")

    def _statement(self, pdf: "FPDF") -> None:
        t, draft = self._texts, self._invoice.draft
        first, last = span(draft)
        rows = [
            (self._formats.day(each.day), self._described(each), each.amount)
            for each in draft.movements
            if _is_payment(each)
        ]
        if pdf.get_y() + STATEMENT + ROW * len(rows) > pdf.eph + TOP and len(rows) < 20:  # noqa: PLR2004 - on one page
            pdf.add_page()
        self._title(pdf, t["statement"])
        with _table(pdf, (21, 118, 41), "LLR") as table:
            _row(table, [t["day"], t["text"], t["amount"]])
            _row(table, ["", t["opening"].format(day=self._formats.day(first)), self._amount(draft.opening)])
            for day, text, amount in rows:
                _row(table, [day, text, self._amount(amount)])
            if draft.services:
                _row(table, ["", t["services_paid"], self._amount(-draft.services)])
            _row(
                table, ["", t["closing"].format(day=self._formats.day(last)), self._amount(draft.closing)], strong=True
            )

    def _notes(self, pdf: "FPDF") -> None:
        pdf.ln(6)
        self._text_style(pdf)
        pdf.set_font(TYPEFACE, "B", 10.5)
        pdf.multi_cell(WIDE, 5, self._texts["settled"], new_x="LMARGIN", new_y="NEXT")
        draft, t, exact = self._invoice.draft, self._texts, self._formats.exact
        if draft.owed:
            pdf.multi_cell(
                WIDE, 5, t["owed"].format(usd=self._formats.money(draft.owed)), new_x="LMARGIN", new_y="NEXT"
            )
        self._label_style(pdf)
        figures = t["figures"].format(
            total=exact(draft.services), opening=exact(draft.opening), closing=exact(draft.closing)
        )
        pdf.multi_cell(WIDE, 4.5, figures + " " + t["exact"], align="L", new_x="LMARGIN", new_y="NEXT")

    def _described(self, each: Movement) -> str:
        """Return the text of a movement. A payment without a number of Stars is described by its reason."""
        key = "other" if each.kind in {"topup", "refund"} and not each.stars else each.kind
        reason = each.reason
        if each.kind in SERVICES:
            reason = reason.removeprefix("unused part of ").removeprefix("plan ")
        return self._texts[key].format(
            reason=drawable(reason), stars=self._count(each.stars), rate=self._formats.price(each.per_star)
        )

    def _amount(self, amount: Money) -> str:
        return to_cents(self._formats, amount)

    def _count(self, number: int) -> str:
        return self._formats.count(number) if number else EMPTY

    def _title(self, pdf: "FPDF", text: str) -> None:
        pdf.ln(5)
        pdf.set_text_color(*INK)
        pdf.set_font(TYPEFACE, "B", 13)
        pdf.cell(0, 8, text, new_x="LMARGIN", new_y="NEXT")

    def _text_style(self, pdf: "FPDF") -> None:
        pdf.set_font(TYPEFACE, "", 10.5)
        pdf.set_text_color(*INK)

    def _label_style(self, pdf: "FPDF") -> None:
        pdf.set_font(TYPEFACE, "", 9.5)
        pdf.set_text_color(*SOFT)


def _is_payment(each: Movement) -> bool:
    return each.kind not in SERVICES


def _new_pdf(invoice: Invoice, texts: Mapping[str, str]) -> "FPDF":
    """Return an empty A4 document. Its creation date is the invoice's, so that each copy has the same bytes."""
    from fpdf import FPDF  # noqa: PLC0415 - 40 MB with its font tools: loaded with the first invoice

    class InvoiceDocument(FPDF):
        def footer(self) -> None:
            self.set_y(-14)
            self.set_font(TYPEFACE, "", 8.5)
            self.set_text_color(*SOFT)
            text = texts["page"].format(name=invoice.name, page=self.page_no(), pages="{nb}")
            self.cell(0, 6, text, align="C")

    pdf = InvoiceDocument(format="A4")
    for style, name in (("", "Regular"), ("B", "Semibold")):
        pdf.add_font(TYPEFACE, style, typeface(name))
    pdf.set_margins(LEFT, TOP, RIGHT)
    pdf.set_auto_page_break(auto=True, margin=20)
    pdf.set_creation_date(invoice.issued_at)
    pdf.set_title(f"{texts['invoice']} {invoice.name}")
    pdf.set_author(invoice.seller.name)
    pdf.set_text_color(*INK)
    return pdf


def _table(pdf: "FPDF", widths: tuple[int, ...], aligns: str) -> "AbstractContextManager[Table]":
    from fpdf.fonts import FontFace  # noqa: PLC0415 - see _new_pdf

    pdf.set_font(TYPEFACE, "", 9.5)
    pdf.set_text_color(*INK)
    pdf.set_draw_color(*RULE)
    return pdf.table(
        width=WIDE,
        col_widths=widths,
        text_align=tuple(aligns),
        borders_layout="HORIZONTAL_LINES",
        line_height=5.5,
        padding=(0.6, 1),
        headings_style=FontFace(emphasis="B", color=INK, fill_color=TINT),
    )


def _row(table: "Table", cells: list[str], *, strong: bool = False) -> None:
    from fpdf.fonts import FontFace  # noqa: PLC0415 - see _new_pdf

    row = table.row(style=FontFace(emphasis="B")) if strong else table.row()
    for cell in cells:
        row.cell(cell)
