"""The pages of /every: the list, one scheduled prompt, and the preview before it is saved."""

from zoneinfo import ZoneInfo

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context
from bot.scheduled.wording import COMMAND, next_words, prompt_words, rule_words
from bot.scheduled.zone_pages import zone_buttons
from locales.formats import as_code
from storage.schedules import scheduled_prompts
from storage.schedules.scheduled_prompts import PausedFor, ScheduledPrompt, ScheduleState
from storage.schedules.zones import SETTING, zone_of

MOST_SHOWN_CHARS = 500
Page = tuple[str, InlineKeyboardMarkup]


async def listed(context: Context) -> Page:
    """Return the person's scheduled prompts, and how to make another one."""
    state = await context.state(fresh=True)
    found = await context.services.db.read(lambda conn: scheduled_prompts.of_tenant(conn, state.id))
    zone = zone_of(state.settings)
    lines = []
    for number, each in enumerate(found, start=1):
        is_active = each.state is ScheduleState.ACTIVE
        lines.append(
            context.t(
                "every.line" if is_active else "every.line_paused",
                n=number,
                rule=rule_words(context, each.rule),
                title=prompt_words(each.prompt),
                next=next_words(context, each.next_at, zone),
            )
        )
    owner, usage = context.user.id, context.t("every.usage")
    buttons = [button(str(number), COMMAND, "show", each.id, owner=owner) for number, each in enumerate(found, 1)]
    buttons.append(button(context.t("timezone.button"), "timezone", "open", owner=owner))
    return ("\n".join([context.t("every.head"), *lines, "", usage]) if found else usage), rows(buttons, width=5)


async def detail(context: Context, schedule: ScheduledPrompt) -> Page:
    """Return the page of one scheduled prompt."""
    state = await context.state(fresh=True)
    found = await context.services.db.read(lambda conn: scheduled_prompts.find(conn, state.id, schedule.id))
    shown = found or schedule
    is_active = shown.state is ScheduleState.ACTIVE
    text = context.t(
        "every.one",
        rule=rule_words(context, shown.rule),
        prompt=as_code(shown.prompt[:MOST_SHOWN_CHARS]),
        state=_state_words(context, shown, zone_of(state.settings)),
        n=shown.runs,
    )
    owner = context.user.id
    toggle = ("every.button_pause", "pause") if is_active else ("every.button_resume", "save")
    return text, rows(
        [
            button(context.t("every.button_run"), COMMAND, "run", shown.id, owner=owner),
            button(context.t(toggle[0]), COMMAND, toggle[1], shown.id, owner=owner),
            button(context.t("every.button_remove"), COMMAND, "ask", shown.id, owner=owner),
            button(context.t("every.back"), COMMAND, "list", owner=owner),
        ]
    )


def _state_words(context: Context, schedule: ScheduledPrompt, zone: ZoneInfo) -> str:
    """Return when it runs next, or why it does not run."""
    if schedule.state is ScheduleState.ACTIVE:
        return context.t("every.next", next=next_words(context, schedule.next_at, zone))
    if schedule.paused_for is PausedFor.CHOICE:
        return context.t("every.paused")
    return context.t(f"every.paused_{schedule.paused_for}")


async def preview(context: Context, schedule: ScheduledPrompt) -> Page:
    """Return a draft with its first run. A person's first draft also asks for the time zone."""
    state = await context.state(fresh=True)
    zone, owner = zone_of(state.settings), context.user.id
    found = await context.services.db.read(lambda conn: scheduled_prompts.find(conn, state.id, schedule.id))
    shown = found or schedule
    text = context.t(
        "every.preview",
        rule=rule_words(context, shown.rule),
        prompt=as_code(shown.prompt[:MOST_SHOWN_CHARS]),
        next=next_words(context, shown.next_at, zone),
    )
    asked: list[list[InlineKeyboardButton]] = [
        [
            button(context.t("every.button_save"), COMMAND, "save", shown.id, owner=owner),
            button(context.t("button.cancel"), COMMAND, "remove", shown.id, owner=owner),
        ]
    ]
    if SETTING not in state.settings:
        text = f"{text}\n\n{context.t('every.zone_ask')}"
        asked += zone_buttons(context)
    return text, InlineKeyboardMarkup(asked)
