"""The handler of messages: a message to the bot becomes a prompt, which is answered."""

from collections.abc import Sequence

from telegram import Message as TelegramMessage
from telegram import Update
from telegram.constants import ChatType

from bot.buttons import button, rows
from bot.chat import media, pending_input
from bot.chat.answering import refused, respond
from bot.chat.downloads import Unreadable
from bot.context import Context, thread_of
from bot.error_texts import insufficient
from bot.formatting.rich import words_of
from bot.groups.senders import is_anonymous, is_other_bot
from engine.chat import Message, Part, Role, Text
from engine.errors import EngineError, InsufficientFunds
from storage.telegram import conversations


async def on_message(update: Update, context: Context) -> None:
    """Answer a text, photo, file or recording that is addressed to the bot."""
    message = update.message
    if message is None or is_other_bot(message) or not addressed(message, context):
        return
    if is_anonymous(message):
        await context.reply(context.t("chat.anonymous"))
        return
    state = await context.state()
    if pending_input.SETTING in state.settings and await pending_input.took_text(message, context):
        return
    parts = await _parts(message, context)
    if parts is None:
        return
    if context.is_old:
        await ask_first(message, context, parts)
    else:
        await respond(context, message, parts)


async def _parts(message: TelegramMessage, context: Context) -> list[Part] | None:
    """Return the message as a prompt. If it can't be one, tell the sender why and return None."""
    text = strip_mention(message, context)
    if text and message.text and message.reply_to_message is None:
        return [Text(text)]  # a plain text has no media
    try:
        return await media.parts(message, context, text)
    except Unreadable as error:
        await context.reply(context.t(error.key, **error.values))
    except InsufficientFunds as error:
        await context.reply(*insufficient(context, error, "voice.wallet_short"))
    except EngineError as error:
        await refused(context, error)
    return None


def addressed(message: TelegramMessage, context: Context) -> bool:
    """Return True in private chats; in groups, if the message replies to the bot or mentions it."""
    if message.chat.type == ChatType.PRIVATE:
        return True
    reply = message.reply_to_message
    if reply is not None and reply.from_user is not None and reply.from_user.id == context.bot.id:
        return True
    return f"@{context.bot.username}".lower() in (message.text or message.caption or "").lower()


def strip_mention(message: TelegramMessage, context: Context) -> str:
    """Return the text, in groups without the first mention of the bot."""
    text = message.text or message.caption or words_of(message)
    if message.chat.type == ChatType.PRIVATE:
        return text
    mention = f"@{context.bot.username}"
    start = text.lower().find(mention.lower())
    return (text[:start] + text[start + len(mention) :]).strip() if start >= 0 else text


async def ask_first(message: TelegramMessage, context: Context, parts: Sequence[Part]) -> None:
    """Store an old question and offer a button that has it answered."""
    keyboard = rows([button(context.t("chat.answer_old"), "retry", "old", owner=context.user.id)])
    state, thread = await context.state(), thread_of(message) or 0
    said = Message(Role.USER, tuple(parts))
    await context.services.db.write(
        lambda conn: conversations.append(
            conn, message.chat.id, thread, state.id, context.request_id, [said], context.services.clock.now()
        )
    )
    await context.reply(context.t("chat.old"), keyboard)
