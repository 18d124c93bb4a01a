"""Operators: /broadcast TEXT drafts a message to every reachable user; a button sends it."""

from telegram import Update

from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context
from bot.formatting.markdown import render
from bot.operators.finding import operator
from storage.database.connection import Connection
from storage.operations import operator_log
from storage.telegram import broadcasts


async def broadcast(update: Update, context: Context) -> None:
    message = update.message
    assert message is not None
    text = "".join((message.text or "").split(maxsplit=1)[1:]).strip()
    if not text or len(render(text)) > 1:
        await context.reply(context.t("broadcast.usage"))
        return
    services, owner = context.services, context.user.id
    now = services.clock.now()
    number = await services.db.write(lambda conn: broadcasts.draft(conn, text, owner, now))
    count = await services.db.read(broadcasts.recipient_count)
    buttons = [
        button(context.t("broadcast.send", count=count), "broadcast", "send", number, owner=owner),
        button(context.t("button.cancel"), "broadcast", "drop", number, owner=owner),
    ]
    await context.reply(context.t("broadcast.sure", count=count, text=text), rows(buttons))


async def send(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), "sending", "broadcast.begun")


async def drop(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), "dropped", "broadcast.dropped")


async def _decide(context: Context, number: int, state: str, key: str) -> None:
    """Store the decision; a job then sends the broadcast. A second press changes nothing."""
    by, now = operator(context), context.services.clock.now()

    def unit(conn: Connection) -> bool:
        fresh = broadcasts.decide(conn, number, state)
        if fresh and state == "sending":
            operator_log.record(conn, by, "broadcast", now, detail=f"number {number}")
        return fresh

    fresh = await context.services.db.write(unit)
    await context.reply(context.t(key if fresh else "broadcast.decided"))


COMMAND = Command("broadcast", broadcast, 111, admin=True, buttons={"send": send, "drop": drop})
