"""Operators: /alerts lists open incidents, with buttons to mute one for an hour and to acknowledge it."""

from datetime import timedelta

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context
from locales.formats import as_code
from storage.alerts import incidents
from storage.alerts.incidents import Incident

OF_SERVICE = {"all", "farthing"}
"""Subjects of incidents that concern no single provider: the kind says everything."""


async def alerts(_: Update, context: Context) -> None:
    found = await context.services.db.read(incidents.all_open)
    if not found:
        await context.reply(context.t("alerts.none"))
        return
    lines = "\n".join(_line(context, each) for each in found)
    await context.reply(context.t("alerts.head", lines=lines), _keyboard(context, found))


async def mute(_: Update, context: Context, args: tuple[str, ...]) -> None:
    until = context.services.clock.now() + timedelta(hours=1)
    await context.services.db.write(lambda conn: incidents.mute(conn, [int(number) for number in args], until))
    await context.answer_press(context.t("alerts.muted"))


async def acknowledge(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Store the operator who takes care of it. The messages of all admins show that within seconds."""
    by, ids = context.user.full_name, [int(number) for number in args]
    await context.services.db.write(lambda conn: incidents.acknowledge(conn, ids, by))
    await context.answer_press(context.t("alerts.acknowledged"))


def _line(context: Context, each: Incident) -> str:
    now = context.services.clock.now()
    notes = [
        context.t("alerts.is_muted", until=each.muted_until) if each.muted_until > now else "",
        context.t("alerts.is_acknowledged", name=as_code(each.acknowledged_by)) if each.acknowledged else "",
    ]
    kind = context.t(f"incident.{each.kind}")
    key = "alerts.line_service" if each.subject in OF_SERVICE else "alerts.line"
    return context.t(key, subject=each.subject, kind=kind, since=each.opened_at) + "".join(notes)


def _label(context: Context, each: Incident) -> str:
    """Return the name of an incident on its buttons."""
    return context.t(f"incident.{each.kind}") if each.subject in OF_SERVICE else each.subject


def _keyboard(context: Context, found: list[Incident]) -> InlineKeyboardMarkup:
    owner = context.user.id
    buttons = []
    for each in found:
        subject = _label(context, each)
        buttons.append(button(context.t("alerts.mute", subject=subject), "alerts", "mute", each.id, owner=owner))
        buttons.append(button(context.t("alerts.ack", subject=subject), "alerts", "ack", each.id, owner=owner))
    return rows(buttons)


COMMAND = Command("alerts", alerts, 108, admin=True, takes_words=False, buttons={"mute": mute, "ack": acknowledge})
