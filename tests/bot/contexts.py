"""Contexts of handlers over a journey, for updates that a test writes itself."""

from typing import Any

from telegram import Update

import locales
from bot.context import Context
from tests.journeys.conftest import ANN, GROUP_ID, Journey

GROUP = {"id": GROUP_ID, "type": "supergroup", "title": "Tea room"}


def private_message(text: str | None = "hello", user: int = ANN, **more: Any) -> dict[str, Any]:
    """Return a message from a person to the bot; `text` None: a message without text."""
    sender = {"id": user, "is_bot": False, "first_name": "Ann", "username": "ann", "language_code": "en"}
    chat = {"id": user, "type": "private", "first_name": "Ann"}
    content = {} if text is None else {"text": text}
    return {"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": sender, **content, **more}


def context_of(journey: Journey, message: dict[str, Any]) -> Context:
    """Return the context that a handler gets with this message."""
    update = Update.de_json({"update_id": 1, "message": message}, journey.bot.bot)
    return Context.from_update(update, journey.bot._application)


def text(key: str, **values: object) -> str:
    """Return an English text of the locales."""
    return locales.text("en", key, **values)


def bot_texts(journey: Journey, chat: int = ANN) -> list[str]:
    """Return the texts that the bot has sent to a chat."""
    messages = journey.sandbox.world.messages(chat)
    return [message.get("text", "") for message in messages if message["from"]["is_bot"]]
