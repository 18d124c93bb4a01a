"""Contexts of handlers without a running bot, for messages that a test writes in Telegram's form."""

from typing import Any

from telegram import Message, Update, User
from telegram.ext import Application, ContextTypes

from bot.context import Context
from tests.bot.contexts import GROUP, private_message

BOT = {"id": 1, "is_bot": True, "first_name": "Farthing", "username": "farthing_bot"}
_application = Application.builder().token("1:t").context_types(ContextTypes(context=Context)).updater(None).build()
_application.bot._bot_user = User(1, "Farthing", True, username="farthing_bot")


def received(message: dict[str, Any]) -> tuple[Message, Context]:
    """Return a message in the form that a handler gets."""
    update = Update.de_json({"update_id": 1, "message": message}, _application.bot)
    assert update.message is not None
    return update.message, Context.from_update(update, _application)


def group_message(text: str | None, **more: Any) -> dict[str, Any]:
    return private_message(text, chat=GROUP, **more)


def entity(kind: str, text: str, part: str, **more: Any) -> dict[str, Any]:
    """Return the entity for a part of a text, in UTF-16 units."""
    offset = len(text[: text.index(part)].encode("utf-16-le")) // 2
    return {"type": kind, "offset": offset, "length": len(part.encode("utf-16-le")) // 2, **more}


def earlier(text: str | None = None, author: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a message that another message replies to."""
    sender = author or {"id": 5, "is_bot": False, "first_name": "Eve", "last_name": "Low"}
    content = {} if text is None else {"text": text}
    return {"message_id": 4, "date": 1, "chat": GROUP, "from": sender, **content, **more}
