"""Operators: /code makes codes that top up a wallet, /invite codes that admit new users. Each is shown once."""

from collections.abc import Sequence

from telegram import Update

from bot.command import Command
from bot.commands.tenants import read_amount
from bot.context import Context, arguments
from storage.billing import codes, invites

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
    by, now = context.user.id, context.services.clock.now()
    made = await context.services.db.write(
        lambda conn: codes.make(conn, codes.TOPUP, count, made_by=by, now=now, amount=amount)
    )
    lines = "\n".join(f"`{each}`" for each in made)
    await context.reply(context.t("code.made", usd=amount, count=count, lines=lines))


async def invite(_: Update, context: Context) -> None:
    count = _count(arguments(context))
    if count is None:
        await context.reply(context.t("admin.usage", usage=f"/invite [1-{MOST}]"))
        return
    by, now = context.user.id, context.services.clock.now()
    made = await context.services.db.write(lambda conn: invites.make(conn, count, made_by=by, now=now))
    bot = context.bot.username or ""
    lines = "\n".join(f"`{each}` · https://t.me/{bot}?start={each}" for each in made)
    await context.reply(context.t("invite.made", count=count, lines=lines))


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
