"""Messages to the bot become questions. Each is begun once, and ends with an answer or with a sentence and a button."""

from functools import partial

from telegram import InlineKeyboardMarkup, Message, Update

from bot.attachments.content import content_of
from bot.attachments.downloads import Unreadable
from bot.attachments.prompt import prompt_of
from bot.buttons import rows
from bot.chat import pending_input
from bot.chat.answering import file_limit_tokens, respond
from bot.chat.titles import name_conversation
from bot.context import Context
from bot.error_texts import insufficient, refusal
from bot.groups.addressing import addressed, is_anonymous, is_other_bot, is_own_result, own_words
from bot.questions import records
from bot.questions.buttons import ask_again, first_words, with_button
from bot.questions.lost_holds import after_lost_hold
from bot.spending import ask_first
from bot.spending.brake import AskFirst, Over
from engine.errors import AnswerCut, Closing, EngineError, HoldLost, InsufficientFunds, Refused, TenantBanned
from storage.database import leases
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Begun, QuestionRecord, QuestionState

_FINAL = (TenantBanned, HoldLost)
"""Errors after which there is no button to ask again."""
_PASSING = frozenset({"chat.file_gone", "chat.files_minute", "chat.files_day"})
"""Temporary reasons why a file could not be read."""


async def on_message(update: Update, context: Context) -> None:
    """Answer a text, photo, file or recording that is addressed to the bot."""
    message = update.message
    if message is None or is_other_bot(message) or is_own_result(message, context):
        return
    if not addressed(message, context):
        return
    if is_anonymous(message):
        await context.reply(context.t("chat.anonymous"))
        return
    state = await context.state()
    content = content_of(message, context, own_words(message, context))
    if pending_input.SETTING in state.settings and await pending_input.took_text(message, context, content):
        return
    if content.is_empty:
        is_name = context.in_group and message.text
        await context.reply(context.t("chat.only_name" if is_name else "chat.unreadable"))
    else:
        await ask_message(context, message, content)


async def ask_message(context: Context, message: Message, content: QuestionContent) -> None:
    """Store a message as a question and answer it; if the message is old, ask first."""
    if context.is_old:
        record = await records.store(context, message, content)
        if record is not None:
            await offer(context, record)
        return
    begun, record = await records.store_and_begin(context, message, content)
    if begun is Begun.BEGUN and record is not None:
        await run(context, record)


async def offer(context: Context, record: QuestionRecord) -> None:
    """Offer to answer a question that came while the bot was offline."""
    words, keyboard = first_words(record), rows([ask_again(context, record, "chat.answer_old")])
    text = context.t("chat.old_named", question=words) if words else context.t("chat.old")
    await context.reply(text, keyboard, reply_to=record.place.message_id)


async def run(context: Context, record: QuestionRecord) -> bool:
    """Answer a question that was begun, once no other answer is growing in its thread.

    Return False without an answer.
    """
    place = record.place
    async with context.services.answers.turn(place.chat_id, place.thread_id):
        try:
            if not await _answer(context, record):
                return False
            if context.services.config.name_conversations and record.is_private:
                await name_conversation(context, record)
        except Unreadable as error:
            await _unreadable(context, record, error)
        except AskFirst as first:
            await _ask_first(context, record, first)
        except EngineError as error:
            await not_answered(context, record, error, *refusal(context, error))
        except Exception:
            await records.end(context, record, QuestionState.FAILED, EngineError.__name__)
            raise
        else:
            return True
    return False


async def _answer(context: Context, record: QuestionRecord) -> bool:
    try:
        prompt = await prompt_of(record, context, await file_limit_tokens(context, record))
    except InsufficientFunds as error:
        await not_answered(context, record, error, *insufficient(context, error, "voice.wallet_short"))
        return False
    if prompt.remarks:
        await context.reply("\n".join(prompt.remarks))
    if await respond(context, record, prompt.parts) is not None:
        return True
    await _end_stopped(context, record)
    return False


async def _end_stopped(context: Context, record: QuestionRecord) -> None:
    await records.end(context, record, QuestionState.CUT)
    await context.reply(context.t("chat.stopped_empty"), rows([ask_again(context, record)]))


async def _ask_first(context: Context, record: QuestionRecord, first: AskFirst) -> None:
    """Ask whether to continue with a question that is expected to cost more than the asker's limit."""
    reason = InsufficientFunds.__name__ if first.over is Over.FUNDS else AskFirst.__name__
    await records.end(context, record, QuestionState.REFUSED, reason)
    text, keyboard = ask_first.question(context, record, (await context.tenant()).plan, first)
    await context.reply(text, keyboard, reply_to=record.place.message_id)


async def _unreadable(context: Context, record: QuestionRecord, error: Unreadable) -> None:
    await records.end(context, record, QuestionState.REFUSED, error.key)
    keyboard = rows([ask_again(context, record)]) if error.key in _PASSING else None
    await context.reply(context.t(error.key, **error.values), keyboard, reply_to=record.place.message_id)


async def not_answered(
    context: Context, record: QuestionRecord, error: EngineError, text: str, keyboard: InlineKeyboardMarkup | None
) -> None:
    """Tell the asker why there is no answer. The question is kept, with a button."""
    if isinstance(error, HoldLost):
        if not await after_lost_hold(context, error):
            await _end_stopped(context, record)
        return
    if isinstance(error, Closing):
        await _pass_on(context, record, text)
        return
    await records.end(context, record, _state_after(error), type(error).__name__)
    if not isinstance(error, _FINAL):
        label = "ask.now" if isinstance(error, InsufficientFunds) else "ask.again"
        keyboard = with_button(keyboard, ask_again(context, record, label))
    await context.reply(text, keyboard, reply_to=record.place.message_id)


async def _pass_on(context: Context, record: QuestionRecord, text: str) -> None:
    """Let the next process answer. If there is another one already, it answers at once, so that no note is needed."""
    services = context.services
    others = partial(leases.others_live, now=services.clock.now(), own_id=services.lease_id)
    is_alone = not await services.db.read(others)
    await context.hand_back()  # before the note, which may fail
    if is_alone:
        await context.reply(text, reply_to=record.place.message_id)


def _state_after(error: EngineError) -> QuestionState:
    if isinstance(error, AnswerCut):
        return QuestionState.CUT
    return QuestionState.REFUSED if isinstance(error, Refused) else QuestionState.FAILED
