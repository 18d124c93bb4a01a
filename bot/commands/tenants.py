"""Operators: /tenants lists the tenants, newest first; /tenants TEXT searches them."""

from functools import partial

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context, arguments
from bot.formatting.literal import as_shown
from bot.operators.finding import MOST_FOUND, lines_of
from storage.tenants import tenants
from storage.tenants.search import search
from storage.tenants.tenants import TenantState

SHOWN = 20


async def show_all(_: Update, context: Context) -> None:
    text = " ".join(arguments(context))
    if text:
        await _search(context, text)
    else:
        await _page(context, None)


async def older(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _page(context, int(args[0]))


async def _search(context: Context, text: str) -> None:
    found = await context.services.db.read(partial(search, text=text, limit=MOST_FOUND))
    if found:
        await context.reply(context.t("admin.found", lines=lines_of(context, found)), _cards(context, found))
    else:
        await context.reply(context.t("admin.no_tenant", id=as_shown(text)))


async def _page(context: Context, before: int | None) -> None:
    """Show SHOWN tenants, newest first, of those made before the tenant `before`."""
    db = context.services.db
    count = await db.read(tenants.count)
    found = await db.read(lambda conn: tenants.newest(conn, before, SHOWN + 1))
    text = context.t("admin.tenants", count=count, lines=lines_of(context, found[:SHOWN]))
    await context.edit_or_reply(text, _pager(context, found))


def _cards(context: Context, found: list[TenantState]) -> InlineKeyboardMarkup:
    owner = context.user.id
    return rows([button(state.name or str(state.id), "tenant", "card", state.id, owner=owner) for state in found])


def _pager(context: Context, found: list[TenantState]) -> InlineKeyboardMarkup | None:
    if len(found) <= SHOWN:
        return None
    last = found[SHOWN - 1].id
    return rows([button(context.t("admin.older"), "tenants", "older", last, owner=context.user.id)])


COMMAND = Command("tenants", show_all, 101, admin=True, buttons={"older": older})
