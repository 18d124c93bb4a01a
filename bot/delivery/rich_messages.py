"""A part of an answer sent as a rich message; PTB knows none, so these calls are Telegram's own."""

import logging
from dataclasses import dataclass
from typing import Any

from telegram import InlineKeyboardMarkup
from telegram.error import BadRequest, EndPointNotFound
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import Urgency
from storage.telegram.outbox import OutboxPart

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tables:
    """A rich message that says what this part and those after it say, `parts` together, and its keyboard."""

    message: dict[str, Any]
    keyboard: dict[str, Any]
    parts: int


async def brought(bot: ExtBot[int], part: OutboxPart, message: dict[str, Any]) -> bool:
    """True when it stands there as a rich message; False where it was not to, or Telegram refuses it."""
    tables = message.get("tables")
    if not tables:
        return False
    try:
        if not (message["edit"] and await _edited(bot, part.chat_id, message["edit"], tables)):
            await _sent(bot, part.chat_id, message, tables)
    except (BadRequest, EndPointNotFound) as error:
        log.info("a rich message of %s was refused: %s", part.request_id, error)
        return False
    return True


async def _edited(bot: ExtBot[int], chat_id: int, message_id: int, tables: dict[str, Any]) -> bool:
    """False when the placeholder is gone. Raises BadRequest."""
    try:
        await bot.edit_message_text(
            None,  # type: ignore[arg-type]  # PTB knows no rich messages: there is no text beside one
            chat_id=chat_id,
            message_id=message_id,
            reply_markup=InlineKeyboardMarkup.de_json(tables["keyboard"], bot),
            api_kwargs={"rich_message": tables["message"]},
            rate_limit_args=Urgency.FINAL,
        )
    except BadRequest as error:
        if "not found" in str(error):
            return False
        if "not modified" not in str(error):
            raise
    return True


async def _sent(bot: ExtBot[int], chat_id: int, message: dict[str, Any], tables: dict[str, Any]) -> None:
    reply = message["reply_to"]
    fields = {
        "chat_id": chat_id,
        "rich_message": tables["message"],
        "reply_markup": tables["keyboard"],
        "message_thread_id": message["thread_id"],
        "reply_parameters": {"message_id": reply, "allow_sending_without_reply": True} if reply else None,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    await bot.do_api_request("sendRichMessage", api_kwargs=given, rate_limit_args=Urgency.FINAL)
