"""/export and /forget: all data about me, and its end."""

import json
from typing import Any

from telegram import InputFile, Update

from bot.command import Command, button, rows
from bot.context import Context
from storage import conversations, keys, tenants, usage
from storage.connection import Connection


async def export(_: Update, context: Context) -> None:
    state, services = await context.state(fresh=True), context.services
    now = services.clock.now()

    def everything(conn: Connection) -> dict[str, Any]:
        found = tenants.state(conn, state.id)
        rows_ = usage.rows(conn, state.period_start.date().replace(year=2020), now.date(), state.id)
        return {
            "account": {name: getattr(found, name) for name in tenants.TenantState.__slots__},
            "keys": [{"prefix": key.prefix, "name": key.name} for key in keys.list_for(conn, state.id, now)],
            "messages": conversations.everything(conn, state.id),
            "usage": [{name: getattr(row, name) for name in row.__slots__} for row in rows_],
        }

    data = await services.db.read(everything)
    text = json.dumps(data, default=str, ensure_ascii=False, indent=2)
    await context.bot.send_document(
        context.user.id, InputFile(text.encode(), "farthing.json"), caption=context.t("export.done")
    )


async def forget(_: Update, context: Context) -> None:
    owner = context.user.id
    buttons = [button(context.t("forget.yes"), "forget", "yes", owner=owner)]
    await context.reply(context.t("forget.sure"), rows(buttons))


async def confirmed(_: Update, context: Context, __: tuple[str, ...]) -> None:
    state, services = await context.state(), context.services
    now = services.clock.now()

    def unit(conn: Connection) -> int:
        conversations.reset(conn, context.user.id, 0, now)
        return conversations.forget(conn, state.id)

    gone = await services.db.write(unit)
    await context.reply(context.t("forget.done", n=gone))


COMMANDS = (
    Command("export", export, 12),
    Command("forget", forget, 13, buttons={"yes": confirmed}),
)
