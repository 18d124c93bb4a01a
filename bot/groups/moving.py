"""Groups that Telegram makes supergroups: their memory and wallet move along to the new chat id."""

from telegram import Update

from bot.context import Context
from storage.groups import migration


async def on_migration(update: Update, context: Context) -> None:
    """Move everything of the old chat. Both chats get a message about it; the second one finds nothing to do."""
    message = update.message
    assert message is not None
    old, new = message.migrate_from_chat_id or message.chat.id, message.migrate_to_chat_id or message.chat.id
    if old != new:
        await context.services.db.write(lambda conn: migration.move(conn, old, new))
