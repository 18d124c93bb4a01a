"""Personal commands in a group: they are answered to their sender alone if possible, else in the private chat."""

from telegram import Update
from telegram.error import BadRequest

from bot.command import Command
from bot.context import Context
from bot.delivery import ephemeral
from bot.delivery.ephemeral import NotEphemeralError

_KNOWN = "ephemeral_is_known"


async def run_for_sender(command: Command, update: Update, context: Context) -> None:
    """Run a personal command in a group, so that only its sender sees the answer."""
    if not await _answered(command, update, context):
        await context.reply(context.t("in_private_only", bot=context.bot.username or "", command=command.name))


async def _answered(command: Command, update: Update, context: Context) -> bool:
    """Return False if nothing was shown. A command with arguments may change something before it answers."""
    if not command.ephemeral or context.args or not await _is_known(context):
        return False
    before, context.ephemeral_for = context.ephemeral_for, command.name
    try:
        await command.run(update, context)
    except NotEphemeralError:
        context.application.bot_data[_KNOWN] = False
    except BadRequest:
        """The bot is not an admin of this group."""
    else:
        return True
    context.ephemeral_for = before
    return False


async def _is_known(context: Context) -> bool:
    """Return True if the Bot API server knows ephemeral messages. The server is asked once."""
    data = context.application.bot_data
    if _KNOWN not in data:
        data[_KNOWN] = await ephemeral.is_known(context.bot)
    return bool(data[_KNOWN])
