"""Groups that become supergroups: their conversations and wallet move to the new chat id."""

from telegram import Update

from bot.context import Context
from bot.groups.greeting import first_greeting
from storage.database.connection import Connection
from storage.groups import migration


async def on_migration(update: Update, context: Context) -> None:
    """Move everything of the old chat. Both chats get an update; the second one moves nothing. No greeting follows."""
    message = update.message
    assert message is not None
    old, new = message.migrate_from_chat_id or message.chat.id, message.migrate_to_chat_id or message.chat.id
    if old == new:
        return

    def unit(conn: Connection) -> None:
        migration.move(conn, old, new)
        first_greeting(conn, new, context.services.clock.now())

    await context.services.db.write(unit)
