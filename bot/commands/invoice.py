"""/invoice: the invoices of past months as PDF and CSV."""

import asyncio
import logging
import re
from datetime import date, timedelta

from telegram import InputFile, Update

from bot.buttons import button, rows
from bot.chat.pending_input import NONE, cancel_button, stop_waiting, wait_for_text
from bot.command import Command, Topic
from bot.context import Context, arguments
from documents.csv_export import invoice_csv
from documents.invoice import invoice_pdf
from locales.formats import as_code
from storage.invoices import addresses, invoices
from storage.invoices.addresses import InvoiceAddress
from storage.invoices.drafts import LedgerMismatch
from storage.invoices.invoices import Invoice

log = logging.getLogger(__name__)
SHOWN, MOST_MONTHS = 12, 12
_MONTH = re.compile(r"(?P<year1>20\d\d)[-/.](?P<month1>\d\d?)|(?P<month2>\d\d?)[-/.](?P<year2>20\d\d)", re.ASCII)
WAIT = timedelta(minutes=30)


async def show(update: Update, context: Context) -> None:
    """List the invoices, or send the one of the month after the command."""
    found, word = await _issued(context), " ".join(arguments(context))
    month = month_named(word)
    if word and month is None:
        await context.reply(context.t("invoice.takes"))
        return
    wanted = next((each for each in found if each.draft.month == month), None)
    if wanted is not None:
        await send(update, context, (str(wanted.number),))
    elif month is not None:
        await context.reply(context.t("invoice.no_month", month=month))
    else:
        await _list(context, found)


def month_named(word: str) -> date | None:
    """Return the first day of a month such as `2026-10`, `10/2026` or `10.2026`; None for anything else."""
    found = _MONTH.fullmatch(word)
    if found is None:
        return None
    year, month = (int(found[name + "1"] or found[name + "2"]) for name in ("year", "month"))
    return date(year, month, 1) if 1 <= month <= MOST_MONTHS else None


async def _list(context: Context, found: list[Invoice]) -> None:
    owner = context.user.id
    buttons = [
        button(
            context.t("invoice.month", month=each.draft.month, usd=each.draft.services),
            "invoice",
            "pdf",
            each.number,
            owner=owner,
        )
        for each in found[:SHOWN]
    ]
    buttons.append(button(context.t("invoice.address_button"), "invoice", "address", owner=owner))
    await context.edit_or_reply(context.t("invoice.choose" if found else "invoice.none"), rows(buttons))


async def show_again(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await _list(context, await _issued(context))


async def send(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send an invoice of the user as PDF and as CSV."""
    await context.answer_press()
    state, services = await context.state(), context.services
    number = int(args[0])
    invoice = await services.db.read(lambda conn: invoices.by_number(conn, number))
    if invoice is None or invoice.draft.tenant_id != state.id:
        await context.reply(context.t("invoice.none"))
        return
    address = addresses.of_settings(state.settings)
    content = await asyncio.to_thread(invoice_pdf, invoice, state.name, context.language, address=address)
    caption = context.t("invoice.caption", name=invoice.name, month=invoice.draft.month)
    await context.bot.send_document(context.user.id, InputFile(content, f"{invoice.name}.pdf"), caption=caption)
    await context.bot.send_document(context.user.id, InputFile(invoice_csv(invoice), f"{invoice.name}.csv"))


async def show_address(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Show the address printed on invoices, with buttons to change and to remove it."""
    address, owner = addresses.of_settings((await context.state(fresh=True)).settings), context.user.id
    buttons = [button(context.t("instructions.change"), "invoice", "change", owner=owner)]
    if address is not None:
        buttons.append(button(context.t("instructions.clear"), "invoice", "clear", owner=owner))
    buttons.append(button(context.t("history.back"), "invoice", "open", owner=owner))
    text = context.t("invoice.address_head", address=_shown(address)) if address else context.t("invoice.address_none")
    await context.edit_or_reply(text, rows(buttons))


async def change_address(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Ask for the new address, and wait for it."""
    await wait_for_text(context, "invoice", WAIT)
    await context.edit_or_reply(context.t("invoice.address_ask"), rows([cancel_button(context, "invoice")]))


async def take_address(context: Context, text: str) -> str | None:
    """Store the address; return a sentence if the text can't be an address."""
    address = addresses.from_text(text)
    if address is None:
        return context.t("invoice.address_bad", lines=addresses.MOST_LINES - 1, most=addresses.MOST_CHARS)
    await _store(context, address)
    await context.reply(context.t("invoice.address_kept", address=_shown(address)))
    return None


async def clear_address(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _store(context, None)
    await show_address(update, context, args)


async def cancel(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await stop_waiting(context)
    await show_address(update, context, args)


async def _store(context: Context, address: InvoiceAddress | None) -> None:
    tenant_id = (await context.state()).id
    await context.services.db.write(lambda conn: addresses.store(conn, tenant_id, address))


def _shown(address: InvoiceAddress) -> str:
    return "\n".join(map(as_code, address.lines))


async def _issued(context: Context) -> list[Invoice]:
    """Issue the invoices that are due and return all. After a mismatch with the ledger, log it and issue none."""
    state, services = await context.state(), context.services
    try:
        now = services.clock.now()
        await invoices.issue_due(services.db, state.id, services.config.invoice_seller, now)
    except LedgerMismatch:
        log.exception("an invoice could not be made")
    return await services.db.read(lambda conn: invoices.of_tenant(conn, state.id))


COMMAND = Command(
    "invoice",
    show,
    8,
    topic=Topic.MONEY,
    buttons={
        "open": show_again,
        "pdf": send,
        "address": show_address,
        "change": change_address,
        "clear": clear_address,
        NONE: cancel,
    },
    take_text=take_address,
)
