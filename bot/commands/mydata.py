"""/export and /forget: send a user's data, or delete it."""

import asyncio
import json
from typing import Any

from telegram import InputFile, Update

from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context
from bot.formatting.literal import as_code
from bot.teams.joining import queue_ended
from storage.database.connection import Connection
from storage.operations import personal_data
from storage.teams import members, teams
from storage.teams.teams import TeamBusy


async def export(_: Update, context: Context) -> None:
    state, services = await context.state(fresh=True), context.services
    now = services.clock.now()
    data = await services.db.read(lambda conn: personal_data.export(conn, state.id, now))
    content = await asyncio.to_thread(_written, data)
    await context.bot.send_document(
        context.user.id, InputFile(content, "farthing.json"), caption=context.t("export.done")
    )


def _written(data: Any) -> bytes:
    """Return data as JSON with indentation: written by Python code, which lets the event loop run meanwhile."""
    return json.dumps(data, default=str, ensure_ascii=False, indent=2).encode()


async def forget(_: Update, context: Context) -> None:
    """Ask for confirmation before deleting, because it can't be undone."""
    owner, state = context.user.id, await context.state()
    team = await context.services.db.read(lambda conn: teams.of_member(conn, state.id))
    ends = team is not None and team.owner_id == state.id
    warning = context.t("forget.team", name=as_code(team.name)) if team is not None and ends else ""
    buttons = [
        button(context.t("forget.yes"), "forget", "yes", owner=owner),
        button(context.t("button.cancel"), "forget", "no", owner=owner),
    ]
    await context.reply(context.t("forget.sure") + warning, rows(buttons))


async def confirmed(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Delete, and tell the members of a team that ends with it."""
    state, services = await context.state(), context.services
    now, user_id = services.clock.now(), context.user.id

    def unit(conn: Connection) -> int:
        team = teams.of_member(conn, state.id)
        if team is not None and team.owner_id == state.id:
            queue_ended(conn, team, members.of_team(conn, team.id, now), now)
        return personal_data.forget(conn, state.id, user_id, now)

    try:
        gone = await services.db.write(unit)
    except TeamBusy:
        await context.reply(context.t("team.busy"))
        return
    await context.reply(context.t("forget.done", n=gone))


async def kept(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await context.reply(context.t("forget.kept"))


COMMANDS = (
    Command("export", export, 12, takes_words=False),
    Command("forget", forget, 13, takes_words=False, buttons={"yes": confirmed, "no": kept}),
)
