"""Direct messages of a channel: people write there to the channel, so the bot says only where to ask it.

Each sender has a topic there, which the channel's admins read too.
"""

from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop

from bot.context import Context
from bot.groups.addressing import COMMAND, addressed, is_anonymous, is_other_bot


async def guard(update: Update, context: Context) -> None:
    """Run before every other handler, and end each update of such a chat."""
    chat, message = update.effective_chat, update.message
    if chat is None or not chat.is_direct_messages:
        return
    if message is not None and _is_for_us(message, context):
        await context.reply(context.t("chat.direct_messages", link=context.private_link("start")))
    raise ApplicationHandlerStop


def _is_for_us(message: Message, context: Context) -> bool:
    """Return True for a person's mention of the bot, reply to it, or command with its name or of its own."""
    if is_anonymous(message) or is_other_bot(message):
        return False
    if addressed(message, context):
        return True
    name = (message.text or message.caption or "").split(maxsplit=1)[0] if COMMAND.filter(message) else ""
    return name.removeprefix("/").lower() in context.bot_data["commands"]
