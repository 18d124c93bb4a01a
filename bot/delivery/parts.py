"""One part of an answer: its form in the outbox, and the call that sends it, with alternatives after a refusal."""

import json
import logging
from dataclasses import asdict, dataclass, replace
from functools import partial
from io import BytesIO
from typing import Any

from telegram import InlineKeyboardMarkup, InputFile, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError
from telegram.ext import ExtBot

from bot import requests
from bot.buttons import plain, plain_keyboard
from bot.delivery import rich_messages
from bot.delivery.rate_limiter import Priority
from bot.delivery.refusals import RefusedFor, reason_of, was_deleted
from bot.delivery.rich_messages import RichPart
from bot.formatting.characters import units
from bot.formatting.markdown import MOST_UNITS, Piece
from storage.database.database import Database
from storage.telegram import outbox
from storage.telegram.outbox import OutboxPart

log = logging.getLogger(__name__)
FILE_NAME = "answer.md"
_NEXT_BEST = {
    RefusedFor.THREAD: {"thread_id": None, "reply_to": None, "edit": None},
    RefusedFor.REPLY: {"reply_to": None},
    RefusedFor.KEYBOARD: {"keyboard": None},
}


def payload(
    piece: Piece,
    *,
    thread_id: int | None,
    reply_to: int | None = None,
    edit: int | None = None,
    rich_part: RichPart | None = None,
    keyboard: InlineKeyboardMarkup | None = None,
    note: str = "",
) -> str:
    """Return one message as JSON. `edit`: the message that it replaces; `rich_part`: sent instead of it if possible.

    `note` is put above it if it is sent to the asker in private instead.
    """
    return _written(
        {
            "text": piece.text,
            "entities": [plain(entity) for entity in piece.entities],
            "thread_id": thread_id,
            "reply_to": reply_to,
            "edit": edit,
            **({"tables": asdict(rich_part)} if rich_part else {}),
            **({"keyboard": plain_keyboard(keyboard)} if keyboard else {}),
            **({"note": note} if note else {}),
        }
    )


def inline_payload(piece: Piece, inline_message_id: str, keyboard: InlineKeyboardMarkup) -> str:
    """Return the text of a message in a chat that the bot is not in, as JSON."""
    content = json.loads(payload(piece, thread_id=None, keyboard=keyboard))
    return _written({**content, "inline": inline_message_id})


def file_payload(markdown: str, *, thread_id: int | None) -> str:
    """Return a file that contains the whole answer as JSON."""
    return _written({"file": markdown, "thread_id": thread_id, "reply_to": None, "edit": None})


def is_copy(content: str) -> bool:
    """Return True for the file with the whole answer, which the messages before it contain."""
    return "file" in json.loads(content)


def private_payload(content: str, *, first: bool) -> str:
    """Return a part for the asker's private chat; the first part gets its note above the text."""
    message = {**json.loads(content), "thread_id": None, "reply_to": None, "edit": None}
    message.pop("inline", None)
    note = f"{message.pop('note', '')}\n\n"
    if first and note.strip() and "text" in message and units(note) + units(message["text"]) <= MOST_UNITS:
        message["text"] = note + message["text"]
        message["entities"] = [{**each, "offset": each["offset"] + units(note)} for each in message["entities"]]
        message.pop("tables", None)
    return _written(message)


@dataclass(frozen=True, slots=True)
class SentPart:
    """The message that was sent, and the number of parts that it contains."""

    message_id: int
    parts: int = 1


async def send_part(bot: ExtBot[int], db: Database, part: OutboxPart) -> SentPart:
    """Send one part, or the rich message that replaces several.

    Raises RetryAfter, a failure that may be temporary, or the refusal of the chat.
    """
    message = json.loads(part.payload)
    while True:
        try:
            return await _sent(bot, part, message)
        except ChatMigrated as error:
            if part.chat_id == error.new_chat_id:
                raise
            part = replace(part, chat_id=error.new_chat_id)
            await _moved(db, part)
        except TelegramError as error:
            if part.chat_id > 0 and was_deleted(error):
                return SentPart(0)
            message = _next_best(message, error)
            log.warning("a part of %s was refused and is sent in another way: %s", part.request_id, error)


async def _moved(db: Database, part: OutboxPart) -> None:
    """Send the following parts to the supergroup too."""
    await db.write(lambda conn: outbox.redirect(conn, part.id, part.chat_id, part.payload))


def _next_best(message: dict[str, Any], error: TelegramError) -> dict[str, Any]:
    """Return the message without the element that was refused. Raises the error if nothing can be left out."""
    reason = reason_of(error)
    changes = _NEXT_BEST.get(reason, {}) if reason else {}
    if any(message.get(name) for name in changes):
        return message | changes
    if reason in {RefusedFor.CONTENT, RefusedFor.KEYBOARD} and "file" not in message:
        return message | ({"entities": []} if message["entities"] else {"file": message["text"]})
    raise error


async def _sent(bot: ExtBot[int], part: OutboxPart, message: dict[str, Any]) -> SentPart:
    if "inline" in message:
        await _edit_inline(bot, message)
        return SentPart(0)
    if "file" in message:
        return SentPart(await _sent_file(bot, part.chat_id, message))
    if "tables" in message and (rich_id := await rich_messages.sent_rich(bot, part, message)):
        return SentPart(rich_id, int(message["tables"]["parts"]))
    if message["edit"] and await _edited(bot, part.chat_id, message):
        return SentPart(message["edit"])
    return SentPart(await _sent_text(bot, part.chat_id, message))


async def _edited(bot: ExtBot[int], chat_id: int, message: dict[str, Any]) -> bool:
    """Edit the placeholder. Return False if it is gone, so that the part must be sent as a new message."""
    try:
        await _post(bot, "editMessageText", {"chat_id": chat_id, "message_id": message["edit"], **_content(message)})
    except ChatMigrated:
        raise
    except BadRequest as error:
        return "not modified" in str(error)
    return True


async def _edit_inline(bot: ExtBot[int], message: dict[str, Any]) -> None:
    """Edit a message in a chat that the bot is not in. Raises Forbidden if it is gone."""
    try:
        await _post(bot, "editMessageText", {"inline_message_id": message["inline"], **_content(message)})
    except BadRequest as error:
        if "not modified" not in str(error):
            raise Forbidden(str(error)) from error


async def _sent_text(bot: ExtBot[int], chat_id: int, message: dict[str, Any]) -> int:
    reply = {"message_id": message["reply_to"], "allow_sending_without_reply": True}
    fields = {
        "chat_id": chat_id,
        "message_thread_id": message["thread_id"],
        "reply_parameters": reply if message["reply_to"] else None,
        **_content(message),
    }
    sent = await _post(bot, "sendMessage", fields)
    return int(sent["message_id"])


def _content(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": message["text"],
        "entities": message["entities"] or None,
        "reply_markup": message.get("keyboard"),
    }


async def _post(bot: ExtBot[int], method: str, fields: dict[str, Any]) -> Any:
    """Call a method in its turn, without PTB's objects: they would take longer than the call."""
    if bot.rate_limiter is None:
        return await requests.post(bot, method, fields)
    call = partial(requests.post, bot, method, fields)
    return await bot.rate_limiter.process_request(call, (), {}, method, fields, Priority.FINAL)


async def _sent_file(bot: ExtBot[int], chat_id: int, message: dict[str, Any]) -> int:
    content = BytesIO(message["file"].encode())
    sent = await bot.send_document(
        chat_id,
        InputFile(content, filename=FILE_NAME),
        message_thread_id=message["thread_id"],
        reply_parameters=_reply(message),
        disable_notification=True,
        reply_markup=_keyboard(bot, message),
        rate_limit_args=Priority.FINAL,
    )
    return sent.message_id


def _reply(message: dict[str, Any]) -> ReplyParameters | None:
    reply = message["reply_to"]
    return ReplyParameters(reply, allow_sending_without_reply=True) if reply else None


def _keyboard(bot: ExtBot[int], message: dict[str, Any]) -> InlineKeyboardMarkup | None:
    stored = message.get("keyboard")
    return InlineKeyboardMarkup.de_json(stored, bot) if stored else None


def _written(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
