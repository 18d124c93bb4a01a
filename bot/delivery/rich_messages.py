"""Parts of an answer sent as one rich message, by calls that PTB does not have yet."""

import logging
from dataclasses import dataclass
from typing import Any

from telegram import InlineKeyboardMarkup, Message
from telegram.error import BadRequest, EndPointNotFound
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import Priority
from storage.telegram.outbox import OutboxPart

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RichPart:
    """A rich message that replaces `parts` ordinary parts, and its keyboard."""

    message: dict[str, Any]
    keyboard: dict[str, Any]
    parts: int


async def sent_rich(bot: ExtBot[int], part: OutboxPart, message: dict[str, Any]) -> int | None:
    """Send the rich message of this part and return its message id; None if Telegram refuses it."""
    rich, edit = message["tables"], message["edit"]
    try:
        if edit and await _edited(bot, part.chat_id, edit, rich):
            return int(edit)
        return await _sent(bot, part.chat_id, message, rich)
    except (BadRequest, EndPointNotFound) as error:
        log.info("a rich message of %s was refused: %s", part.request_id, error)
        return None


async def _edited(bot: ExtBot[int], chat_id: int, message_id: int, rich: dict[str, Any]) -> bool:
    """Edit the placeholder. Return False if it is gone. Raises BadRequest."""
    try:
        await bot.edit_message_text(
            None,  # type: ignore[arg-type]  # PTB has no rich messages yet: the text is absent
            chat_id=chat_id,
            message_id=message_id,
            reply_markup=InlineKeyboardMarkup.de_json(rich["keyboard"], bot),
            api_kwargs={"rich_message": rich["message"]},
            rate_limit_args=Priority.FINAL,
        )
    except BadRequest as error:
        if "not found" in str(error):
            return False
        if "not modified" not in str(error):
            raise
    return True


async def _sent(bot: ExtBot[int], chat_id: int, message: dict[str, Any], rich: dict[str, Any]) -> int:
    reply = message["reply_to"]
    fields = {
        "chat_id": chat_id,
        "rich_message": rich["message"],
        "reply_markup": rich["keyboard"],
        "message_thread_id": message["thread_id"],
        "reply_parameters": {"message_id": reply, "allow_sending_without_reply": True} if reply else None,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    sent: Message = await bot.do_api_request(
        "sendRichMessage", api_kwargs=given, return_type=Message, rate_limit_args=Priority.FINAL
    )
    return sent.message_id
