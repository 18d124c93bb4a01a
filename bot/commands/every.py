"""/every: prompts that are asked at set times: made from words; shown, paused, resumed, run and removed by buttons."""

from functools import partial

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.chat import scheduled_run
from bot.command import Command, Topic
from bot.context import Context, arguments, thread_of
from bot.groups.addressing import argument
from bot.scheduled.pages import detail, listed, preview
from bot.scheduled.parsing import NotUnderstood, ParsedSchedule, ScheduleFlaw, parsed
from bot.scheduled.wording import APART, next_words
from bot.scheduled.wording import COMMAND as NAME
from storage.database.connection import Connection
from storage.schedules import scheduled_prompts
from storage.schedules.scheduled_prompts import ScheduledPrompt, SchedulePlace, ScheduleState
from storage.schedules.zones import zone_of
from storage.telegram import conversation_list

MOST_CHARS = 2000


async def every(update: Update, context: Context) -> None:
    """List the scheduled prompts, or make one from the words after the command."""
    message = update.message
    if message is None or not arguments(context):
        await context.reply(*await listed(context))
        return
    try:
        read = parsed(argument(message))
    except NotUnderstood as error:
        await context.reply(context.t(f"every.flaw_{error.flaw}", hours=context.services.config.schedule_least_hours))
        return
    objection = _too_often(context, read) or await _too_many(context)
    if objection:
        await context.reply(objection)
        return
    await context.reply(*await preview(context, await _draft(context, read, thread_of(message) or 0)))


def _too_often(context: Context, read: ParsedSchedule) -> str:
    """Return the sentence that refuses a rule or prompt above the limits; empty if it is within them."""
    least = context.services.config.schedule_least_hours
    if read.rule.least_hours < least:
        return context.t(f"every.flaw_{ScheduleFlaw.TOO_OFTEN}", hours=least)
    return context.t("every.long", n=len(read.prompt), most=MOST_CHARS) if len(read.prompt) > MOST_CHARS else ""


async def _too_many(context: Context) -> str:
    """Return the sentence that refuses another scheduled prompt; empty if one more is allowed."""
    most, tenant_id = context.services.config.schedule_most, (await context.state()).id
    known = await context.services.db.read(lambda conn: scheduled_prompts.of_tenant(conn, tenant_id))
    return context.t("every.too_many", most=most) if len(known) >= most else ""


async def _draft(context: Context, read: ParsedSchedule, thread: int) -> ScheduledPrompt:
    state, now, services = await context.state(fresh=True), context.services.clock.now(), context.services
    place = SchedulePlace(services.bot_id, context.user.id, thread)
    next_at = read.rule.first(zone_of(state.settings), now)
    return await services.db.write(
        lambda conn: scheduled_prompts.draft(conn, state.id, place, read.rule, read.prompt, next_at, now)
    )


async def open_list(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await context.edit_or_reply(*await listed(context))


async def show(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Show one scheduled prompt, or the preview of one that is not saved yet."""
    schedule = await _own(context, args)
    if schedule is not None:
        page = preview if schedule.state is ScheduleState.DRAFT else detail
        await _say(context, args, *await page(context, schedule))


async def save(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Save a draft or resume a paused one, so that it runs from now on."""
    schedule = await _own(context, args)
    if schedule is None:
        return
    if schedule.state is ScheduleState.DRAFT and (objection := await _too_many(context)):
        await context.edit_or_reply(objection)
        return
    state, now = await context.state(fresh=True), context.services.clock.now()
    next_at = schedule.rule.first(zone_of(state.settings), now)
    await context.services.db.write(lambda conn: scheduled_prompts.activate(conn, schedule, next_at))
    await context.answer_press(context.t("every.saved", next=next_words(context, next_at, zone_of(state.settings))))
    await show(update, context, args)


async def pause(update: Update, context: Context, args: tuple[str, ...]) -> None:
    schedule = await _own(context, args)
    if schedule is not None:
        await context.services.db.write(partial(scheduled_prompts.pause, schedule_id=schedule.id))
        await show(update, context, args)


async def run(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask the prompt now. Its next run does not change."""
    schedule = await _own(context, args)
    if schedule is not None:
        await context.answer_press(context.t("every.running"))
        await scheduled_run.ask(context, schedule)


async def ask_to_remove(__: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask for confirmation before removing, because it can't be undone."""
    schedule = await _own(context, args)
    if schedule is None:
        return
    owner = context.user.id
    keyboard = rows(
        [
            button(context.t("every.remove_yes"), NAME, "remove", schedule.id, owner=owner),
            button(context.t("button.cancel"), NAME, "show", schedule.id, owner=owner),
        ]
    )
    text, _ = await detail(context, schedule)
    await _say(context, args, f"{context.t('every.sure')}\n\n{text}", keyboard)


async def remove(_: Update, context: Context, args: tuple[str, ...]) -> None:
    schedule = await _own(context, args)
    if schedule is None:
        return
    await context.services.db.write(lambda conn: scheduled_prompts.remove(conn, schedule.tenant_id, schedule.id))
    text, keyboard = await listed(context)
    key = "every.dropped" if schedule.state is ScheduleState.DRAFT else "every.removed"
    await context.edit_or_reply(f"{context.t(key)}\n\n{text}", keyboard)


async def go_on(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Continue the conversation of a run: the next question refers to its answer."""
    query, now, conversation = update.callback_query, context.services.clock.now(), int(args[0])
    chat_id, thread = context.user.id, thread_of(query.message if query else None) or 0

    def unit(conn: Connection) -> bool:
        return conversation_list.resume(conn, chat_id, thread, conversation, now)

    is_open = await context.services.db.write(unit)
    await context.reply(context.t("every.going_on" if is_open else "history.gone"))


async def _own(context: Context, args: tuple[str, ...]) -> ScheduledPrompt | None:
    """Return the scheduled prompt of a button; if it is gone, tell the user."""
    tenant_id, schedule_id = (await context.state()).id, int(args[0])
    found = await context.services.db.read(lambda conn: scheduled_prompts.find(conn, tenant_id, schedule_id))
    if found is None:
        await context.answer_press(context.t("every.gone"), alert=True)
    return found


async def _say(context: Context, args: tuple[str, ...], text: str, keyboard: InlineKeyboardMarkup) -> None:
    if APART in args[1:]:
        await context.reply(text, keyboard)
    else:
        await context.edit_or_reply(text, keyboard)


COMMAND = Command(
    NAME,
    every,
    9,
    topic=Topic.CHAT,
    buttons={
        "list": open_list,
        "show": show,
        "save": save,
        "pause": pause,
        "run": run,
        "ask": ask_to_remove,
        "remove": remove,
        "on": go_on,
    },
)
