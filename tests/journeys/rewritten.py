"""Edits of messages by their writers."""

import time
from typing import Any

from sandbox.telegram.text import spotted
from sandbox.telegram.world import World


def rewrite(world: World, chat_id: int, message_id: int, text: str, **more: Any) -> None:
    """Edit a person's text or caption. The bot gets the update if privacy mode shows it the message."""
    message = world.chats[chat_id].messages[message_id]
    field = "caption" if "caption" in message else "text"
    message |= {field: text, "edit_date": int(time.time())}
    if field == "text":
        message["entities"] = spotted(text)
    message |= more
    world.publish("edit", chat_id, message=message)
    if world._bot_sees(message):
        world.updates.push("edited_message", dict(message))
