"""Handlers that find the right command or button action, and the handler of errors."""

import logging

from telegram import Update
from telegram.error import TelegramError

from bot import buttons
from bot.command import Command, all_commands, say_unused
from bot.context import Context
from bot.delivery.lapse import LeaseLapsed
from bot.groups.addressing import is_anonymous, is_other_bot
from bot.groups.personal_commands import run_for_sender

log = logging.getLogger(__name__)


async def on_command(update: Update, context: Context) -> None:
    """Run a command. An admin command is unknown to other users."""
    message = update.effective_message
    assert message is not None
    first, *arguments = (message.text or message.caption or "/").split()
    name, _, addressee = first.removeprefix("/").partition("@")
    if is_other_bot(message) or (addressee and addressee.lower() != (context.bot.username or "").lower()):
        return
    context.args = arguments
    command = all_commands(context).get(name.lower())
    if is_anonymous(message):
        if addressee or (command is not None and not command.admin):
            await context.reply(context.t("chat.anonymous"))
    elif command is None or (command.admin and not context.is_admin):
        await _unknown(context, is_addressed=bool(addressee))
    else:
        await _run(command, update, context)


async def _unknown(context: Context, *, is_addressed: bool) -> None:
    """Tell the user that the command is unknown. In groups, a command without the bot's name may be another bot's."""
    if is_addressed or not context.in_group:
        await context.state()
        await context.reply(context.t("unknown_command"))


async def _run(command: Command, update: Update, context: Context) -> None:
    await context.state()
    if context.in_group and (command.private_only or command.admin):
        await run_for_sender(command, update, context)
        return
    await command.run(update, context)
    if not command.takes_words:
        await say_unused(context, command.name)


async def on_button(update: Update, context: Context) -> None:
    """Run the action of a pressed button, if the user is its owner."""
    query = update.callback_query
    assert query is not None
    pressed = buttons.read(query.data or "") if buttons.is_offered(query) else None
    command = all_commands(context).get(pressed.command) if pressed else None
    press = command.buttons.get(pressed.action) if command and pressed else None
    if pressed is None or command is None or press is None:
        await context.answer_press(context.t("button.stale"))
        return
    await context.state()
    if pressed.owner not in (0, context.user.id) or (command.admin and not context.is_admin):
        await context.answer_press(context.t("button.not_yours"), alert=True)
    elif context.in_group and not command.works_in_groups(pressed.action):
        await context.answer_press(url=context.private_link(command.name))
    else:
        await press(update, context, pressed.args)
        await context.answer_press()


async def on_error(update: object, context: Context) -> None:
    """Log the error for the operator and send the user a sentence, unless the bot is not in the chat."""
    error = context.error
    number = update.update_id if isinstance(update, Update) else 0
    if isinstance(error, LeaseLapsed):
        log.warning("update %d is handled again: this process was paused for longer than its lease", number)
        await context.hand_back()
        return
    log.error("update %d failed", number, exc_info=error)
    if not isinstance(update, Update) or update.guest_message is not None:
        return
    if update.effective_chat is not None and update.effective_user is not None:
        try:
            await context.reply(context.t("error.EngineError"))
        except TelegramError as failed:
            log.info("the error message could not be sent: %s", failed)
