"""Buttons that ask a stored question again. Each contains the number of answers before it, so that it works once."""

import logging

from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message
from telegram.error import TelegramError

from bot.buttons import button, rows
from bot.context import Context
from locales.formats import without_marks
from storage.telegram.questions import QuestionRecord

log = logging.getLogger(__name__)
COMMAND, AGAIN, INSTEAD = "retry", "again", "instead"
MOST_WORDS_CHARS = 40


def ask_again(context: Context, record: QuestionRecord, label: str = "ask.again") -> InlineKeyboardButton:
    """Return a button that asks this question again with the options of its last ask."""
    return button(context.t(label), COMMAND, AGAIN, record.id, record.answers, owner=context.user.id)


def ask_instead(context: Context, record: QuestionRecord) -> InlineKeyboardButton:
    """Return a button that asks a text which a command was waiting for and did not accept."""
    return button(context.t("pending.ask"), COMMAND, INSTEAD, record.id, record.answers, owner=context.user.id)


def with_button(keyboard: InlineKeyboardMarkup | None, added: InlineKeyboardButton) -> InlineKeyboardMarkup:
    """Return a keyboard with one more button, in a row of its own."""
    return rows([added]) if keyboard is None else InlineKeyboardMarkup([*keyboard.inline_keyboard, (added,)])


def first_words(record: QuestionRecord) -> str:
    """Return the beginning of the question on one line."""
    return shortened(" ".join(record.content.text.split()))


def shortened(text: str) -> str:
    """Return the first words of a line, without the marks of its formatting."""
    text = without_marks(text)
    if len(text) <= MOST_WORDS_CHARS:
        return text
    head = text[:MOST_WORDS_CHARS]
    return f"{head[: head.rfind(' ')] if ' ' in head else head}…"


async def press_used(query: CallbackQuery) -> None:
    """Remove the message's buttons that ask again, because each works once."""
    try:
        if isinstance(query.message, Message) and query.message.reply_markup is not None:
            await query.edit_message_reply_markup(_without_asks(query.message.reply_markup))
    except TelegramError as error:
        log.debug("the buttons of a question could not be removed: %s", error)


def _without_asks(keyboard: InlineKeyboardMarkup) -> InlineKeyboardMarkup | None:
    rows_left = [
        left
        for row in keyboard.inline_keyboard
        if (left := [each for each in row if not str(each.callback_data).startswith(f"{COMMAND}:")])
    ]
    return InlineKeyboardMarkup(rows_left) if rows_left else None
