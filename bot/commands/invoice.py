"""/invoice: the invoices of past months as PDF and CSV."""

import asyncio
import logging

from telegram import InputFile, Update

from bot.buttons import button, rows
from bot.command import Command, Topic
from bot.context import Context
from documents.csv_export import invoice_csv
from documents.invoice import invoice_pdf
from storage.invoices import invoices
from storage.invoices.drafts import LedgerMismatch
from storage.invoices.invoices import Invoice

log = logging.getLogger(__name__)
SHOWN = 12


async def show(_: Update, context: Context) -> None:
    found = await _issued(context)
    if not found:
        await context.reply(context.t("invoice.none"))
        return
    buttons = [
        button(
            context.t("invoice.month", month=each.draft.month, usd=each.draft.services),
            "invoice",
            "pdf",
            each.number,
            owner=context.user.id,
        )
        for each in found[:SHOWN]
    ]
    await context.reply(context.t("invoice.choose"), rows(buttons))


async def send(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send an invoice of the user as PDF and as CSV."""
    await context.answer_press()
    state, services = await context.state(), context.services
    number = int(args[0])
    invoice = await services.db.read(lambda conn: invoices.by_number(conn, number))
    if invoice is None or invoice.draft.tenant_id != state.id:
        await context.reply(context.t("invoice.none"))
        return
    content = await asyncio.to_thread(invoice_pdf, invoice, state.name, context.language)
    caption = context.t("invoice.caption", name=invoice.name, month=invoice.draft.month)
    await context.bot.send_document(context.user.id, InputFile(content, f"{invoice.name}.pdf"), caption=caption)
    await context.bot.send_document(context.user.id, InputFile(invoice_csv(invoice), f"{invoice.name}.csv"))


async def _issued(context: Context) -> list[Invoice]:
    """Issue the invoices that are due and return all. A mismatch with the ledger is logged, and nothing is issued."""
    state, services = await context.state(), context.services
    try:
        now = services.clock.now()
        await invoices.issue_due(services.db, state.id, services.config.invoice_seller, now)
    except LedgerMismatch:
        log.exception("an invoice could not be made")
    return await services.db.read(lambda conn: invoices.of_tenant(conn, state.id))


COMMAND = Command("invoice", show, 8, topic=Topic.MONEY, buttons={"pdf": send})
