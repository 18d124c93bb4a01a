"""An invoice as a PDF: A4, one typeface, amounts in whole cents. The same invoice gives the same bytes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING

from documents.amounts import Vat, span, to_cents
from documents.fonts import drawable, typeface
from engine.money import Money
from locales import Language, find
from storage.invoices.addresses import InvoiceAddress
from storage.invoices.drafts import ChargeLine, Movement
from storage.invoices.invoices import Invoice

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.table import Table

INK, SOFT, RULE, TINT = (28, 39, 51), (96, 110, 124), (205, 213, 221), (244, 247, 250)
LEFT, RIGHT, TOP, WIDE = 20, 20, 16, 170
HALF = WIDE / 2
SERVICES = {"plan", "plan_credit"}
ROW, STATEMENT = 5.6, 56
"""Heights in millimetres: a table row; the statement without payments, with the notes under it."""
MOST_DAY_LINES = 14
"""The most lines by day and model. A month with more has one line for each model; the CSV file has the days."""
TYPEFACE, EMPTY = "Source", "–"


def invoice_pdf(
    invoice: Invoice,
    customer: str = "",
    language: str = "en",
    members: Mapping[int, str] = MappingProxyType({}),
    *,
    address: InvoiceAddress | None = None,
) -> bytes:
    """Render an invoice. Without an address, the customer's name and the account's number are printed.

    `members`: the names of the members of a team, by their account's number.
    """
    return _InvoicePdf(invoice, address or InvoiceAddress(customer), find(language), members).render()


class _InvoicePdf:
    def __init__(
        self, invoice: Invoice, customer: InvoiceAddress, language: Language, members: Mapping[int, str]
    ) -> None:
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
        """Print the title, seller and customer side by side, and below them the invoice's number and dates."""
        seller, draft, t = self._invoice.seller, self._invoice.draft, self._texts
        pdf.set_font(TYPEFACE, "B", 22)
        pdf.cell(0, 10, t["invoice"], new_x="LMARGIN", new_y="NEXT")
        top = pdf.get_y() + 3
        self._block(
            pdf, LEFT, top, t["seller"], [seller.name or t["no_seller"], seller.address, self._tax(seller.tax_id)]
        )
        bottom = pdf.get_y()
        to, account = self._customer, t["account"].format(id=draft.tenant_id)
        self._block(pdf, LEFT + HALF, top, t["customer"], [to.name, to.address, self._tax(to.tax_id), account])
        self._facts(pdf, max(bottom, pdf.get_y()) + 4)

    def _tax(self, tax_id: str) -> str:
        return self._texts["tax_id"].format(id=tax_id) if tax_id else ""

    def _facts(self, pdf: "FPDF", y: float) -> None:
        t, days = self._texts, tuple(map(self._formats.day, span(self._invoice.draft)))
        number = (t["number"], self._invoice.name)
        issued = (t["issued"], self._formats.day(self._invoice.issued_at))
        for place, (label, value) in enumerate((number, issued, (t["period"], " – ".join(days)))):
            pdf.set_xy(LEFT + place * HALF / 2, y)
            self._label_style(pdf)
            pdf.cell(HALF / 2, 4.5, label, new_x="LEFT", new_y="NEXT")
            self._text_style(pdf)
            pdf.cell(HALF / 2, 5, value, new_x="LEFT", new_y="NEXT")

    def _block(self, pdf: "FPDF", x: float, y: float, label: str, parts: list[str]) -> None:
        """Print a name in bold, and further lines below it."""
        pdf.set_xy(x, y)
        self._label_style(pdf)
        pdf.cell(HALF - 5, 4.5, label, new_x="LEFT", new_y="NEXT")
        self._text_style(pdf)
        lines = [parts[0], *(line for part in parts[1:] for line in part.splitlines())]
        for number, line in enumerate(filter(None, map(drawable, lines))):
            pdf.set_font(TYPEFACE, "B" if number == 0 else "", 10)
            pdf.multi_cell(HALF - 5, 4.7, line, align="L", new_x="LEFT", new_y="NEXT")

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
            by_day = len(draft.lines) <= MOST_DAY_LINES
            for line in draft.lines if by_day else _by_model(draft.lines):
                counts = (line.answers, line.input_tokens, line.output_tokens, line.allowance_tokens)
                charge = self._amount(line.charge) if line.charge else EMPTY
                day = self._formats.day(line.day) if by_day else self._formats.month(line.day)
                _row(table, [day, line.model, *map(self._count, counts), charge])
            sums = (
                sum(line.answers for line in draft.lines),
                sum(line.input_tokens for line in draft.lines),
                sum(line.output_tokens for line in draft.lines),
                sum(line.allowance_tokens for line in draft.lines),
            )
            _row(table, [t["sum"], "", *map(self._count, sums), self._amount(draft.charges)], strong=True)

    def _members(self, pdf: "FPDF") -> None:
        """Print each member's part of a team's or group's charges."""
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
        pdf.ln(2)
        if vat.is_due:
            net, tax = vat.shown
            self._total(pdf, t["total_net"], net)
            self._total(pdf, t["total_vat"].format(percent=vat.percent_text), tax)
        self._total(pdf, t["total"] if vat.is_due else t["total_no_vat"], gross, strong=True)

    def _total(self, pdf: "FPDF", label: str, amount: Money, *, strong: bool = False) -> None:
        pdf.set_x(LEFT + 85)
        self._text_style(pdf)
        pdf.set_font(TYPEFACE, "B" if strong else "", 12 if strong else 10)
        pdf.set_draw_color(*RULE)
        border: str = "T" if strong else ""
        pdf.cell(45, 5.6, label, border=border)
        pdf.cell(40, 5.6, self._amount(amount), align="R", border=border, new_x="LMARGIN", new_y="NEXT")

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
        pdf.ln(4)
        self._text_style(pdf)
        pdf.set_font(TYPEFACE, "B", 10)
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
        pdf.multi_cell(WIDE, 4, figures + " " + t["exact"], align="L", new_x="LMARGIN", new_y="NEXT")

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
        pdf.ln(4)
        pdf.set_text_color(*INK)
        pdf.set_font(TYPEFACE, "B", 12)
        pdf.cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")

    def _text_style(self, pdf: "FPDF") -> None:
        pdf.set_font(TYPEFACE, "", 10)
        pdf.set_text_color(*INK)

    def _label_style(self, pdf: "FPDF") -> None:
        pdf.set_font(TYPEFACE, "", 8.5)
        pdf.set_text_color(*SOFT)


def _by_model(lines: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Return one line per model with the sums of the month, ordered by charge."""
    sums: dict[str, ChargeLine] = {}
    for line in lines:
        sums[line.model] = sums[line.model] + line if line.model in sums else line
    return sorted(sums.values(), key=lambda line: (-line.charge.nanousd, line.model))


def _is_payment(each: Movement) -> bool:
    return each.kind not in SERVICES


def _new_pdf(invoice: Invoice, texts: Mapping[str, str]) -> "FPDF":
    """Return an empty A4 document. Its creation date is the invoice's, so that all copies have the same bytes."""
    from fpdf import FPDF  # noqa: PLC0415 - 40 MB with its font tools: loaded with the first invoice

    class InvoiceDocument(FPDF):
        def footer(self) -> None:
            self.set_y(-13)
            self.set_font(TYPEFACE, "", 8.5)
            self.set_text_color(*SOFT)
            text = texts["page"].format(name=invoice.name, page=self.page_no(), pages="{nb}")
            self.cell(0, 6, text, align="C")

    pdf = InvoiceDocument(format="A4")
    for style, name in (("", "Regular"), ("B", "Semibold")):
        pdf.add_font(TYPEFACE, style, typeface(name))
    pdf.set_margins(LEFT, TOP, RIGHT)
    pdf.set_auto_page_break(auto=True, margin=17)
    pdf.set_creation_date(invoice.issued_at)
    pdf.set_title(f"{texts['invoice']} {invoice.name}")
    pdf.set_author(invoice.seller.name)
    pdf.set_text_color(*INK)
    return pdf


def _table(pdf: "FPDF", widths: tuple[int, ...], aligns: str) -> "AbstractContextManager[Table]":
    from fpdf.fonts import FontFace  # noqa: PLC0415 - see _new_pdf

    pdf.set_font(TYPEFACE, "", 9)
    pdf.set_text_color(*INK)
    pdf.set_draw_color(*RULE)
    return pdf.table(
        width=WIDE,
        col_widths=widths,
        text_align=tuple(aligns),
        borders_layout="HORIZONTAL_LINES",
        line_height=4.8,
        padding=(0.4, 1),
        headings_style=FontFace(emphasis="B", color=INK, fill_color=TINT),
    )


def _row(table: "Table", cells: list[str], *, strong: bool = False) -> None:
    from fpdf.fonts import FontFace  # noqa: PLC0415 - see _new_pdf

    row = table.row(style=FontFace(emphasis="B")) if strong else table.row()
    for cell in cells:
        row.cell(cell)
