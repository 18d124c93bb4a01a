"""Operators: /margin and /alerts."""

from datetime import timedelta

from telegram import InlineKeyboardMarkup, Update

from bot.command import Command, button, rows
from bot.context import Context, arguments
from engine.money import ZERO
from storage import incidents, usage

MOST_DAYS, SHOWN = 365, 25


async def margin(_: Update, context: Context) -> None:
    words = arguments(context)
    days = int(words[0]) if words and words[0].isdigit() and 0 < int(words[0]) <= MOST_DAYS else 7
    today = context.services.clock.now().date()
    found = await context.services.db.read(lambda conn: usage.rows(conn, today - timedelta(days=days - 1), today))
    lines = "\n".join(
        context.t(
            "margin.line",
            day=row.day,
            offer=f"{row.provider}/{row.model}",
            prompts=row.prompts,
            charge=str(row.charge + row.allowance_worth),
            cost=str(row.cost + row.waste),
            margin=str(row.margin),
        )
        for row in found[-SHOWN:]
    )
    totals = {
        "charge": sum((row.charge for row in found), ZERO),
        "allowance": sum((row.allowance_worth for row in found), ZERO),
        "cost": sum((row.cost for row in found), ZERO),
        "waste": sum((row.waste for row in found), ZERO),
        "margin": sum((row.margin for row in found), ZERO),
    }
    await context.reply(
        context.t(
            "margin.head",
            days=days,
            lines=lines or context.t("margin.none"),
            **{k: str(v) for k, v in totals.items()},
        )
    )


async def alerts(_: Update, context: Context) -> None:
    found = await context.services.db.read(incidents.all_open)
    if not found:
        await context.reply(context.t("alerts.none"))
        return
    lines = "\n".join(
        context.t(
            "alerts.line",
            subject=each.subject,
            kind=each.kind.replace("_", " "),
            since=f"{each.opened_at:%Y-%m-%d %H:%M}",
        )
        for each in found
    )
    await context.reply(context.t("alerts.head", lines=lines), _keyboard(context, [each.id for each in found]))


async def mute(_: Update, context: Context, args: tuple[str, ...]) -> None:
    until = context.services.clock.now() + timedelta(hours=1)
    await context.services.db.write(lambda conn: incidents.mute(conn, int(args[0]), until))
    await context.reply(context.t("alerts.muted"))


async def acknowledge(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await context.services.db.write(lambda conn: incidents.acknowledge(conn, int(args[0])))
    await context.reply(context.t("alerts.acknowledged"))


def _keyboard(context: Context, ids: list[int]) -> InlineKeyboardMarkup:
    owner = context.user.id
    buttons = []
    for number in ids:
        buttons.append(button(context.t("alert.mute"), "alerts", "mute", number, owner=owner))
        buttons.append(button("✓", "alerts", "ack", number, owner=owner))
    return rows(buttons)


COMMANDS = (
    Command("margin", margin, 107, admin=True),
    Command("alerts", alerts, 108, admin=True, buttons={"mute": mute, "ack": acknowledge}),
)
