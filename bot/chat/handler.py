"""The handler of messages: turns a message to the bot into a prompt, and answers it."""

from telegram import Update

from bot.attachments.content import content_of
from bot.chat import pending_input
from bot.chat.asking import ask_message
from bot.context import Context
from bot.groups.mentions import addressed, own_words
from bot.groups.senders import is_anonymous, is_other_bot, is_own_result


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
        await context.reply(context.t("chat.unreadable"))
    else:
        await ask_message(context, message, content)
