"""Operators: /code makes codes that top up a wallet, /invite codes that admit new users. Each is shown once."""

from collections.abc import Sequence

from telegram import Update

from bot.command import Command
from bot.context import Context, arguments
from bot.formatting.literal import as_shown
from bot.operators.amounts import amount_written
from bot.operators.finding import operator
from engine.money import Money
from storage.billing import codes, invites
from storage.database.connection import Connection
from storage.operations import operator_log

MOST = 50


async def code(_: Update, context: Context) -> None:
    given = arguments(context)
    count = _count(given[1:])
    if not given or count is None:
        await context.reply(context.t("admin.usage", usage=f"/code USD [1-{MOST}]"))
        return
    amount = await read_amount(context, given[0])
    if amount is None:
        return
    by, now = operator(context), context.services.clock.now()

    def unit(conn: Connection) -> list[str]:
        operator_log.record(conn, by, "code", now, detail=f"{count} of {amount}")
        return codes.make(conn, codes.TOPUP, count, made_by=by.user, now=now, amount=amount)

    made = await context.services.db.write(unit)
    lines = "\n".join(f"`{each}`" for each in made)
    await context.reply(context.t("code.made", usd=amount, count=count, lines=lines))


async def invite(_: Update, context: Context) -> None:
    count = _count(arguments(context))
    if count is None:
        await context.reply(context.t("admin.usage", usage=f"/invite [1-{MOST}]"))
        return
    by, now = operator(context), context.services.clock.now()

    def unit(conn: Connection) -> list[str]:
        operator_log.record(conn, by, "invite", now, detail=str(count))
        return invites.make(conn, count, made_by=by.user, now=now)

    made = await context.services.db.write(unit)
    bot = context.bot.username or ""
    lines = "\n".join(f"`{each}` · https://t.me/{bot}?start={each}" for each in made)
    await context.reply(context.t("invite.made", count=count, lines=lines))


async def read_amount(context: Context, text: str) -> Money | None:
    """Return an amount above zero, or explain the mistake and return None."""
    amount = amount_written(context, text)
    if amount is not None:
        return amount
    await context.reply(context.t("admin.bad_amount", text=as_shown(text)))
    return None


def _count(given: Sequence[str]) -> int | None:
    """Return the number of codes: 1 without an argument, None if it is not a number from 1 to MOST."""
    if not given:
        return 1
    known = {str(number): number for number in range(1, MOST + 1)}
    return known.get(given[0]) if len(given) == 1 else None


COMMANDS = (
    Command("code", code, 108, admin=True),
    Command("invite", invite, 109, admin=True),
)
