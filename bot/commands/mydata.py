"""/export and /forget: send a user's data, delete it."""

import json

from telegram import InputFile, Update

from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context
from storage.operations import personal_data
from storage.teams.teams import TeamBusy


async def export(_: Update, context: Context) -> None:
    state, services = await context.state(fresh=True), context.services
    now = services.clock.now()
    data = await services.db.read(lambda conn: personal_data.export(conn, state.id, now))
    text = json.dumps(data, default=str, ensure_ascii=False, indent=2)
    await context.bot.send_document(
        context.user.id, InputFile(text.encode(), "farthing.json"), caption=context.t("export.done")
    )


async def forget(_: Update, context: Context) -> None:
    """Ask before deleting, since it can't be undone."""
    owner = context.user.id
    buttons = [
        button(context.t("forget.yes"), "forget", "yes", owner=owner),
        button(context.t("button.cancel"), "forget", "no", owner=owner),
    ]
    await context.reply(context.t("forget.sure"), rows(buttons))


async def confirmed(_: Update, context: Context, __: tuple[str, ...]) -> None:
    state, services = await context.state(), context.services
    now, user_id = services.clock.now(), context.user.id
    try:
        gone = await services.db.write(lambda conn: personal_data.forget(conn, state.id, user_id, now))
    except TeamBusy:
        await context.reply(context.t("team.busy"))
        return
    await context.reply(context.t("forget.done", n=gone))


async def kept(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await context.reply(context.t("forget.kept"))


COMMANDS = (
    Command("export", export, 12),
    Command("forget", forget, 13, buttons={"yes": confirmed, "no": kept}),
)
