"""Scheduled prompts in words: the rule, the next run, the line above an answer, and its buttons."""

from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context
from bot.questions.buttons import shortened
from locales.formats import as_code
from storage.schedules import scheduled_prompts
from storage.schedules.recurrence import EVERY_DAY, LAST_OF_MONTH, WEEKDAYS, WEEKEND, Recurrence, Unit
from storage.telegram.questions import QuestionRecord

COMMAND = "every"
APART = "a"
"""The argument of buttons below an answer: the page is sent as a message of its own, so that the answer stays."""
_SETS = {EVERY_DAY: "every.rule_day", WEEKDAYS: "every.rule_weekdays", WEEKEND: "every.rule_weekend"}
_SURE_DAYS = 28
"""The number of days that every month has."""


def rule_words(context: Context, rule: Recurrence) -> str:
    """Return a rule in the person's language, such as `Every day, 08:00`."""
    number, time = rule.numbers[0], rule.clock
    if rule.unit is Unit.HOURS:
        return context.t("every.rule_hour") if number == 1 else context.t("every.rule_hours", n=number)
    if rule.unit is Unit.DAYS:
        return context.t("every.rule_days", n=number, time=time)
    if rule.unit is Unit.MONTH:
        return context.t(_month_key(number), n=number, time=time)
    if rule.numbers in _SETS:
        return context.t(_SETS[rule.numbers], time=time)
    days = ", ".join(context.t(f"weekday.{day}") for day in rule.numbers)
    return context.t("every.rule_week", days=days, time=time)


def _month_key(day: int) -> str:
    if day == LAST_OF_MONTH:
        return "every.rule_month_end"
    return "every.rule_month" if day <= _SURE_DAYS else "every.rule_month_late"


def moment_words(context: Context, moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment in a zone, such as `Tuesday 1 December, 08:00`."""
    local = moment.astimezone(zone)
    return context.t(
        "every.moment",
        weekday=context.t(f"weekday.{local.isoweekday()}"),
        day=str(local.day),
        month=context.t(f"month.{local.month}"),
        time=f"{local:%H:%M}",
    )


def next_words(context: Context, moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment with its zone, such as `Tuesday 1 December, 08:00, Europe/Berlin`."""
    return f"{moment_words(context, moment, zone)}, {zone_words(zone)}"


def zone_words(zone: ZoneInfo) -> str:
    """Return a zone's name; for a fixed offset the offset, such as UTC+7."""
    name = zone.key.removeprefix("Etc/GMT")
    if name == zone.key:
        return zone.key.replace("_", " ")
    return f"UTC{'+' if name.startswith('-') else '-'}{name[1:]}"


async def heading_of(context: Context, record: QuestionRecord) -> str:
    """Return the line above the answer of a run: the rule, and the first words of the prompt."""
    schedule = await context.services.db.read(
        lambda conn: scheduled_prompts.find(conn, record.tenant_id, record.schedule_id)
    )
    title = prompt_words(record.content.text)
    if schedule is None:
        return context.t("every.heading_removed", title=title)
    return context.t("every.heading", rule=rule_words(context, schedule.rule), title=title)


def prompt_words(prompt: str) -> str:
    """Return the first words of a prompt as Markdown."""
    return as_code(shortened(" ".join(prompt.split())))


def run_keyboard(context: Context, record: QuestionRecord) -> InlineKeyboardMarkup:
    """Return the buttons below the answer of a run."""
    owner, schedule_id = context.user.id, record.schedule_id
    return rows(
        [
            button(context.t("every.continue"), COMMAND, "on", record.conversation_id, owner=owner),
            button(context.t("every.button_pause"), COMMAND, "pause", schedule_id, APART, owner=owner),
            button(context.t("every.button_remove"), COMMAND, "ask", schedule_id, APART, owner=owner),
        ],
        width=3,
    )
