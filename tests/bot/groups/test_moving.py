import pytest
from telegram import Update

from bot.context import Context
from bot.groups.moving import on_migration
from storage.telegram import conversations
from tests.bot.contexts import private_message
from tests.journeys.conftest import Journey

OLD, NEW = -7, -1007


@pytest.mark.parametrize(
    ("chat", "more", "moves"),
    [(OLD, {"migrate_to_chat_id": NEW}, True), (NEW, {"migrate_from_chat_id": OLD}, True), (OLD, {}, False)],
)
async def test_conversation_moves_by_either_message(
    journey: Journey, chat: int, more: dict[str, int], moves: bool
) -> None:
    db, now = journey.container.db, journey.container.clock.now()
    await db.write(lambda conn: conversations.open_conversation(conn, OLD, 0, now))
    message = {**private_message(None), "chat": {"id": chat, "type": "supergroup", "title": "x"}, **more}
    update = Update.de_json({"update_id": 1, "message": message}, journey.bot.bot)
    await on_migration(update, Context.from_update(update, journey.bot._application))
    (found,) = await journey.rows("SELECT chat_id FROM conversations")
    assert found["chat_id"] == (NEW if moves else OLD)
