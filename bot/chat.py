"""What is said to the bot: meant for us, readable, not too old; then it is answered."""

from datetime import timedelta

from telegram import Message as TelegramMessage
from telegram import Update
from telegram.constants import ChatType

from bot import media
from bot.answering import respond
from bot.command import button, rows
from bot.commands.topup import took_amount
from bot.context import Context, thread_of
from bot.services import claimed_update
from engine.chat import Message, Role, Text
from storage import conversations

OLD = timedelta(hours=1)
ANONYMOUS = 1087968824


async def on_message(update: Update, context: Context) -> None:
    """Text, a photo or a file: asked, if it is meant for us."""
    message = update.message
    if message is None or not addressed(message, context):
        return
    if message.sender_chat is not None or context.user.id == ANONYMOUS:
        await context.reply(context.t("chat.anonymous"))
        return
    await context.state()
    if await took_amount(message, context):
        return
    try:
        parts = await media.parts(message, context, strip_mention(message, context))
    except media.Unreadable as error:
        await context.reply(context.t(error.key, **error.values))
        return
    if is_old(context):
        await ask_first(message, context)
    else:
        await respond(context, message, parts)


def addressed(message: TelegramMessage, context: Context) -> bool:
    """In private always; in groups when replied to or mentioned."""
    if message.chat.type == ChatType.PRIVATE:
        return True
    reply = message.reply_to_message
    if reply is not None and reply.from_user is not None and reply.from_user.id == context.bot.id:
        return True
    return f"@{context.bot.username}".lower() in (message.text or message.caption or "").lower()


def strip_mention(message: TelegramMessage, context: Context) -> str:
    text = message.text or message.caption or ""
    if message.chat.type == ChatType.PRIVATE:
        return text
    mention = f"@{context.bot.username}"
    start = text.lower().find(mention.lower())
    return (text[:start] + text[start + len(mention) :]).strip() if start >= 0 else text


def is_old(context: Context) -> bool:
    """Sent over an hour ago: whoever asked may not want to pay for it any more."""
    claimed = claimed_update.get()
    message = context.incoming.effective_message if context.incoming else None
    if claimed is None or message is None:
        return False
    now = context.services.clock.now()
    return now - message.date > OLD and now - message.date < timedelta(days=2)


async def ask_first(message: TelegramMessage, context: Context) -> None:
    """Keep the question, and offer a button that has it answered."""
    keyboard = rows([button(context.t("chat.answer_old"), "retry", "old", owner=context.user.id)])
    state, thread = await context.state(), thread_of(message) or 0
    said = Message(Role.USER, (Text(message.text or message.caption or ""),))
    await context.services.db.write(
        lambda conn: conversations.append(
            conn, message.chat.id, thread, state.id, context.request_id, [said], context.services.clock.now()
        )
    )
    await context.reply(context.t("chat.old"), keyboard)
