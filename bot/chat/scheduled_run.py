"""Runs of scheduled prompts: each becomes a question in a conversation of its own, and is answered or skipped."""

from datetime import timedelta
from functools import partial

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.chat.answering import respond
from bot.chat.asking import not_answered
from bot.context import Context
from bot.error_texts import refusal
from bot.questions import records
from bot.questions.buttons import ask_again, shortened
from bot.scheduled.wording import APART, COMMAND, prompt_words, rule_words
from bot.spending.brake import AskFirst, Over
from engine.chat import Text
from engine.errors import DailyAnswersUsed, EngineError, InsufficientFunds
from storage.database.connection import Connection
from storage.schedules import scheduled_prompts, scheduled_runs
from storage.schedules.scheduled_prompts import ScheduledPrompt, ScheduleState
from storage.schedules.scheduled_runs import FIRST_UPDATE_ID, ScheduledRun
from storage.telegram import conversations, questions
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Ask, Begun, Place, QuestionRecord, QuestionState

LATE = "late"
_SKIPPED_FOR = {Over.FUNDS: "funds", Over.SPONSOR: "team", Over.ANSWER: "limit", Over.DAY: "limit"}


async def on_run(update: Update, context: Context) -> None:
    """Answer a run that the scheduler started, unless its schedule was deleted or paused meanwhile."""
    run, state = ScheduledRun.of(update.api_kwargs), await context.state()
    assert run is not None
    schedule = await context.services.db.read(lambda conn: scheduled_prompts.find(conn, state.id, run.schedule_id))
    if schedule is None or schedule.state is not ScheduleState.ACTIVE:
        return
    if context.services.clock.now() - run.due_at > timedelta(hours=context.services.config.schedule_late_hours):
        await _skip(context, schedule, LATE)
    else:
        await ask(context, schedule)


async def ask(context: Context, schedule: ScheduledPrompt) -> None:
    """Ask the prompt of a schedule now, under the id of the current update."""
    begun, record = await context.services.db.write(partial(_begin, context=context, schedule=schedule))
    if begun is not Begun.BEGUN or record is None:
        return
    async with context.services.answers.turn(record.place.chat_id, record.place.thread_id):
        try:
            completion = await respond(context, record, (Text(record.content.text),))
        except AskFirst as first:
            await _skip(context, schedule, _SKIPPED_FOR[first.over], record)
        except InsufficientFunds as error:
            await _skip(context, schedule, "team" if error.shortfall.is_sponsored else "funds", record)
        except DailyAnswersUsed:
            await _skip(context, schedule, "day", record)
        except EngineError as error:
            text, keyboard = refusal(context, error)
            await not_answered(context, record, error, f"{_head(context, schedule)}\n{text}", keyboard)
        except Exception:
            await records.end(context, record, QuestionState.FAILED, EngineError.__name__)
            raise
        else:
            if completion is None:
                await records.end(context, record, QuestionState.CUT)


def _begin(conn: Connection, context: Context, schedule: ScheduledPrompt) -> tuple[Begun, QuestionRecord | None]:
    """Store the question of the current update, once, in a new conversation; the open conversation stays open.

    Pressing the button again before the answer has come asks nothing.
    """
    now, services = context.services.clock.now(), context.services
    place = Place(services.bot_id, schedule.chat_id, schedule.thread_id)
    update_id = _update_id(context)
    known = questions.of_update(conn, services.bot_id, update_id)
    if known is None and update_id < FIRST_UPDATE_ID and scheduled_runs.is_being_answered(conn, schedule):
        return Begun.BUSY, None
    if known is None:
        title = shortened(" ".join(schedule.prompt.split()))
        known = questions.store(
            conn,
            schedule.tenant_id,
            place,
            QuestionContent(schedule.prompt),
            now,
            update_id=update_id,
            conversation_id=conversations.begin_apart(conn, place.chat_id, place.thread_id, title, now),
            schedule_id=schedule.id,
        )
    return questions.begin(conn, known.id, Ask(context.request_id), now)


def _update_id(context: Context) -> int:
    return int(context.request_id.rpartition(":")[2])


async def _skip(context: Context, schedule: ScheduledPrompt, reason: str, record: QuestionRecord | None = None) -> None:
    """Tell the person why a run is skipped; nothing is charged. After MOST_SKIPS in a row the schedule is paused."""
    if record is not None:
        await records.end(context, record, QuestionState.REFUSED, reason)
    is_paused = await context.services.db.write(
        lambda conn: scheduled_runs.settle_skip(conn, schedule.id, _update_id(context), counts=reason != LATE)
    )
    text = f"{_head(context, schedule)}\n{context.t(f'every.skip_{reason}')}"
    if is_paused:
        text += "\n" + context.t("every.paused_now", n=scheduled_runs.MOST_SKIPS)
    await context.reply(text, _skip_keyboard(context, schedule, reason, record))


def _head(context: Context, schedule: ScheduledPrompt) -> str:
    title = prompt_words(schedule.prompt)
    return context.t("every.heading", rule=rule_words(context, schedule.rule), title=title)


def _skip_keyboard(
    context: Context, schedule: ScheduledPrompt, reason: str, record: QuestionRecord | None
) -> InlineKeyboardMarkup:
    """Return the buttons that solve the reason, ask now, and open the schedule."""
    owner, made = context.user.id, []
    if reason == "funds":
        made.append(button(context.t("button.topup"), "topup", "open", owner=owner))
    elif reason == "team":
        made.append(button(context.t("button.team"), "team", "open", owner=owner))
    elif reason == "limit":
        made.append(button(context.t("brake.limits"), "limit", "open", owner=owner))
    elif reason == "day":
        made.append(button(context.t("button.plan"), "plan", "open", owner=owner))
    if record is not None:
        made.append(ask_again(context, record, "ask.now"))
    else:
        made.append(button(context.t("every.button_run"), COMMAND, "run", schedule.id, owner=owner))
    made.append(button(context.t("every.button_open"), COMMAND, "show", schedule.id, APART, owner=owner))
    return rows(made)
