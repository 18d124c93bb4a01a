"""Edited messages: the user's last question is asked again with its new text. Edits of older ones change nothing."""

import logging
from dataclasses import replace

from telegram import Message, Update
from telegram.error import TelegramError

from bot.attachments.content import content_of
from bot.chat.asking import offer, run
from bot.context import Context
from bot.groups.addressing import argument, is_anonymous, own_words
from bot.questions import records
from locales.formats import without_marks
from storage.database.connection import Connection
from storage.telegram import question_changes, questions
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Ask, Begun, QuestionRecord, QuestionState

log = logging.getLogger(__name__)
_ASK = "/ask"


async def on_edited(update: Update, context: Context) -> None:
    """Ask the edited question; its answer replaces the earlier one. Telegram also reports edits that change no text."""
    message = update.edited_message
    if message is None or is_anonymous(message) or message.location is not None:
        return  # a live location is edited whenever its sender moves
    state = await context.state()
    if not state.is_admitted or state.banned:
        return
    record = await _last_question(message, context)
    content = _edited_content(message, context, record) if record is not None else None
    if record is None or content is None or _says_the_same(content, record.content):
        return
    now = context.services.clock.now()
    await context.services.db.write(lambda conn: question_changes.rewrite(conn, record.id, content, now))
    if context.is_old:
        await offer(context, replace(record, content=content))
    elif record.state is not QuestionState.WAITING:
        await _ask_anew(context, record)


def _says_the_same(content: QuestionContent, before: QuestionContent) -> bool:
    """Return True if the words are the same: an edit of the formatting alone asks nothing anew."""
    words, words_before = (without_marks(each.text) for each in (content, before))
    return words == words_before and replace(content, text="") == replace(before, text="")


async def _last_question(message: Message, context: Context) -> QuestionRecord | None:
    """Return the question of this message, if it is the user's last one here."""
    tenant_id, place = (await context.state()).id, records.place_of(message, context)

    def unit(conn: Connection) -> QuestionRecord | None:
        last = questions.last(conn, tenant_id, place)
        return last if last is not None and place.message_id in _messages_of(last) else None

    return await context.services.db.read(unit)


def _messages_of(record: QuestionRecord) -> tuple[int | None, ...]:
    """Return the message of a question; all of them if its text came in several messages."""
    place = record.place
    return (place.message_id, *place.more_message_ids) if record.content.more_chars else (place.message_id,)


def _edited_content(message: Message, context: Context, record: QuestionRecord) -> QuestionContent | None:
    """Return the edited question. It keeps its files and quotations unless the file was replaced.

    Of a text in several messages, only the edited one is replaced. None: it is no longer a question.
    """
    text = own_words(message, context)
    if text.startswith("/"):
        if text.split()[0].partition("@")[0] != _ASK:
            return None
        text = argument(message)
    if record.content.more_chars:
        return record.content.with_part(_messages_of(record).index(message.message_id), text)
    if record.place.more_message_ids and not (record.content.files or record.content.quotations):
        return None
    edited = content_of(message, context, text)
    is_same = {file.file_id for file in edited.files} <= {file.file_id for file in record.content.files}
    content = replace(record.content, text=edited.text, files=record.content.files if is_same else edited.files)
    return None if content.is_empty else content


async def _ask_anew(context: Context, record: QuestionRecord) -> None:
    begun, begun_record = await records.begin(context, record.id, Ask(context.request_id))
    if begun is Begun.BUSY:
        await context.reply(context.t("ask.busy"))
    elif begun is Begun.BEGUN and begun_record is not None and await run(context, begun_record):
        await _delete_replaced(context, record)


async def _delete_replaced(context: Context, record: QuestionRecord) -> None:
    """Delete the replaced answer, unless it was restored. Telegram allows that for two days."""
    now_stands = await context.services.db.read(lambda conn: questions.find(conn, record.id))
    if now_stands is not None and now_stands.answer_request_id == record.answer_request_id:
        return
    for message_id in record.answer_message_ids:
        try:
            await context.bot.delete_message(record.place.chat_id, message_id)
        except TelegramError as error:
            log.info("a replaced answer could not be deleted from its chat: %s", error)
