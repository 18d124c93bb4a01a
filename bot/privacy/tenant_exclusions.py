"""Operators: the page of /tenant that shows which providers may not see a tenant's prompts."""

from telegram import Update

from bot.context import Context
from bot.operators.confirming import nothing_done
from bot.operators.finding import name_of, operator, tenant_of
from bot.privacy.exclusions import (
    Change,
    ExclusionsPage,
    show_page,
    store_change,
    without_country,
    without_provider,
    without_training,
)
from storage.database.connection import Connection
from storage.operations import operator_log


async def show(update: Update, context: Context, args: tuple[str, ...]) -> None:
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(update, context, args)
        return
    of = ExclusionsPage(state.id, "tenant", ("admin.back", "card"), (args[0],), name_of(state))
    await show_page(context, of, state.exclusions)


async def toggle_provider(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(update, context, args, without_provider(args[1]))


async def toggle_country(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(update, context, args, without_country(args[1]))


async def toggle_training(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(update, context, args, without_training)


async def _change(update: Update, context: Context, args: tuple[str, ...], change: Change) -> None:
    tenant, by, now = int(args[0]), operator(context), context.services.clock.now()

    def unit(conn: Connection) -> None:
        store_change(conn, tenant, change)
        operator_log.record(conn, by, "exclusions", now, tenant=tenant, detail=args[1] if len(args) > 1 else "training")

    if await tenant_of(context, args[0]) is not None:
        await context.services.db.write(unit)
    await show(update, context, args)


ACTIONS = {
    "who": show,
    "who_provider": toggle_provider,
    "who_country": toggle_country,
    "who_training": toggle_training,
}
