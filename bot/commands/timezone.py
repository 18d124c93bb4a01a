"""/timezone: the time zone in which a person's times are read and shown, found by city, name or offset."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from telegram import Update

from bot.buttons import button, rows
from bot.chat.pending_input import NONE, cancel_button, stop_waiting, wait_for_text
from bot.command import Command
from bot.context import Context, arguments
from bot.scheduled.pages import Page, preview
from bot.scheduled.wording import zone_words
from bot.scheduled.zone_pages import COMMAND as NAME
from bot.scheduled.zone_pages import zone_page
from bot.scheduled.zone_search import found_by
from storage.schedules import scheduled_prompts
from storage.schedules.zones import known_zone

WAIT = timedelta(minutes=10)


async def timezone(_: Update, context: Context) -> None:
    """Show the zone, or set the one that the words describe."""
    if not arguments(context):
        await context.reply(*await zone_page(context))
        return
    objection = await take_text(context, " ".join(arguments(context)))
    if objection is not None:
        await context.reply(objection)


async def take_text(context: Context, text: str) -> str | None:
    """Set the zone that the words describe, or ask which one is meant. Return a sentence if none fits."""
    names = found_by(text, context.services.clock.now())
    if not names:
        return context.t("timezone.none")
    zone = known_zone(names[0])
    if len(names) > 1 or zone is None:
        await context.reply(*await zone_page(context, names))
    else:
        await context.reply(*await _set(context, zone))
    return None


async def _set(context: Context, zone: ZoneInfo) -> Page:
    """Store the zone. Return a page that confirms it, or the preview that was waiting for the zone."""
    state, now = await context.state(fresh=True), context.services.clock.now()
    db = context.services.db
    await db.write(lambda conn: scheduled_prompts.set_zone(conn, state.id, state.settings, zone, now))
    await context.state(fresh=True)
    draft = await db.read(lambda conn: scheduled_prompts.latest_draft(conn, state.id, now - WAIT))
    if draft is not None:
        return await preview(context, draft)
    text = context.t("timezone.done", zone=zone_words(zone), time=f"{now.astimezone(zone):%H:%M}")
    return text, rows([button(context.t("timezone.button"), NAME, "open", owner=context.user.id)])


async def choose(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Set the zone of the pressed button."""
    zone = known_zone(args[0])
    if zone is not None:
        await stop_waiting(context)
        await context.edit_or_reply(*await _set(context, zone))


async def ask(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Ask for a city, and wait for it."""
    await wait_for_text(context, NAME, WAIT)
    await context.reply(context.t("timezone.ask"), rows([cancel_button(context, NAME)]))


async def ask_no_more(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await stop_waiting(context)
    await context.edit_or_reply(*await zone_page(context))


async def open_page(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await context.reply(*await zone_page(context))


COMMAND = Command(
    NAME,
    timezone,
    12,
    buttons={"open": open_page, "set": choose, "ask": ask, NONE: ask_no_more},
    take_text=take_text,
)
