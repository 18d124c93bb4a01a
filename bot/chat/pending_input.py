"""Text that a command is waiting for: the next message in the private chat goes to that command."""

from datetime import timedelta

from telegram import InlineKeyboardButton, Message
from telegram.constants import ChatType

from bot.buttons import button, rows
from bot.command import Command, all_commands
from bot.context import Context
from bot.questions import records
from bot.questions.buttons import ask_instead
from storage.database.connection import ms
from storage.telegram.question_content import QuestionContent
from storage.tenants import tenant_settings

NONE = "none"
"""The action of a command's button that ends its wait."""

SETTING = "pending_input"
"""The tenant's setting: the command's name, and the time in ms until which it waits."""


async def wait_for_text(context: Context, command: str, wait: timedelta) -> None:
    """Send this user's next message to the `take_text` of the command, unless it comes after `wait`."""
    state, services = await context.state(), context.services
    pending = [command, ms(services.clock.now() + wait)]
    await services.db.write(lambda conn: tenant_settings.set_setting(conn, state.id, SETTING, pending))


async def stop_waiting(context: Context) -> None:
    """Stop waiting: the next message is a prompt again."""
    state = await context.state()
    await context.services.db.write(lambda conn: tenant_settings.set_setting(conn, state.id, SETTING, None))


async def took_text(message: Message, context: Context, content: QuestionContent) -> bool:
    """Return True if a command waits for text and this message is one. Any other message is a question.

    If the command can't use the text, the sender is told what is expected and the command keeps waiting. A button asks
    the text as a question instead.
    """
    state, services = await context.state(), context.services
    pending = state.settings.get(SETTING)
    if pending is None or message.chat.type != ChatType.PRIVATE or not message.text:
        return False
    name, until = pending
    command: Command | None = all_commands(context).get(name)
    if until < ms(services.clock.now()) or command is None or command.take_text is None:
        await stop_waiting(context)
        return False
    await stop_waiting(context)
    objection = await command.take_text(context, message.text.strip())
    if objection is not None:
        await services.db.write(lambda conn: tenant_settings.set_setting(conn, state.id, SETTING, pending))
        record = await records.store(context, message, content)
        if record is not None:
            await context.reply(objection, rows([ask_instead(context, record), cancel_button(context, name)], width=1))
    return True


def cancel_button(context: Context, command: str) -> InlineKeyboardButton:
    """Return a button that ends the wait of a command. The command must handle the action NONE."""
    return button(context.t("button.cancel"), command, NONE, owner=context.user.id)
