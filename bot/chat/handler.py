"""The handler of messages: a message to the bot becomes a prompt, which is answered."""

from telegram import Message as TelegramMessage
from telegram import Update
from telegram.constants import ChatType

from bot.chat import media, pending_input
from bot.chat.asking import ask_message
from bot.context import Context
from bot.formatting.rich import words_of
from bot.groups.senders import is_anonymous, is_other_bot


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
    content = media.content_of(message, context, strip_mention(message, context))
    if content.is_empty:
        await context.reply(context.t("chat.unreadable"))
    else:
        await ask_message(context, message, content)


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
