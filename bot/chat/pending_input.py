"""Text that a command has asked for: the next message in the private chat goes to that command."""

from datetime import timedelta

from telegram import Message
from telegram.constants import ChatType

from bot.command import Command, all_commands
from bot.context import Context
from storage.database.connection import ms
from storage.tenants import tenant_settings

SETTING = "pending_input"
"""The tenant's setting: the command's name, and the time in ms until which it waits."""


async def wait_for_text(context: Context, command: str, wait: timedelta) -> None:
    """Give the next message of this user to the `take_text` of the command, unless it comes after `wait`."""
    state, services = await context.state(), context.services
    pending = [command, ms(services.clock.now() + wait)]
    await services.db.write(lambda conn: tenant_settings.set_setting(conn, state.id, SETTING, pending))


async def stop_waiting(context: Context) -> None:
    """Let the next message be a prompt."""
    state = await context.state()
    await context.services.db.write(lambda conn: tenant_settings.set_setting(conn, state.id, SETTING, None))


async def took_text(message: Message, context: Context) -> bool:
    """Return True if the command that waits for text took this message. Any other message is a prompt."""
    state, services = await context.state(), context.services
    pending = state.settings.get(SETTING)
    if pending is None or message.chat.type != ChatType.PRIVATE:
        return False
    await services.db.write(lambda conn: tenant_settings.set_setting(conn, state.id, SETTING, None))
    name, until = pending
    command: Command | None = all_commands(context).get(name)
    if until < ms(services.clock.now()) or command is None or command.take_text is None:
        return False
    return await command.take_text(context, (message.text or "").strip())
