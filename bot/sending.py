"""The outbox sent: each part at least once, its place in the books long settled."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from telegram import MessageEntity, ReplyParameters
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.ext import ExtBot

from bot.render import Piece
from bot.services import Services
from storage import leases, outbox, tenants
from storage.connection import Connection
from storage.outbox import Part

log = logging.getLogger(__name__)


def payload(piece: Piece, *, thread_id: int | None, reply_to: int | None = None, edit: int | None = None) -> str:
    """One message as JSON. `edit`: the placeholder that becomes it, where it still stands."""
    return json.dumps(
        {
            "text": piece.text,
            "entities": [entity.to_dict() for entity in piece.entities],
            "thread_id": thread_id,
            "reply_to": reply_to,
            "edit": edit,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


async def send_answer(bot: ExtBot[int], services: Services, request_id: str) -> None:
    """Send what is written of an answer, in order."""
    await _send(bot, services, await services.db.read(lambda conn: outbox.parts(conn, request_id)))


async def send_left_behind(bot: ExtBot[int], services: Services) -> int:
    """What a crash left unsent: it was charged, so it is sent."""
    now, mine = services.clock.now(), services.lease_id
    parts = await services.db.read(lambda conn: outbox.left_behind(conn, leases.dead(conn, now, mine)))
    await _send(bot, services, parts)
    return len(parts)


async def _send(bot: ExtBot[int], services: Services, parts: Sequence[Part]) -> None:
    for part in parts:
        state = await _deliver(bot, services, part)
        if state is None:
            return  # the rest stays in order; the next start tries again
        await services.db.write(partial(_finish, part.id, state, services.clock.now()))


def _finish(part_id: int, state: str, now: datetime, conn: Connection) -> None:
    outbox.finish(conn, part_id, state, now)


async def _deliver(bot: ExtBot[int], services: Services, part: Part) -> str | None:
    """`sent`, `dropped` where it can never arrive, None when Telegram is out of reach."""
    message = json.loads(part.payload)
    try:
        if not (message["edit"] and await _edited(bot, part.chat_id, message)):
            await _sent(bot, part.chat_id, message)
    except Forbidden:
        await services.db.write(lambda conn: tenants.set_blocked(conn, part.chat_id, True))
        return "dropped"
    except BadRequest as error:
        log.warning("a part of %s was refused: %s", part.request_id, error)
        return await _plainly(bot, part, message)
    except TelegramError as error:
        log.warning("a part of %s could not be sent yet: %s", part.request_id, error)
        return None
    return "sent"


async def _edited(bot: ExtBot[int], chat_id: int, message: dict[str, Any]) -> bool:
    """False when the placeholder is gone: then the part is sent anew."""
    try:
        await bot.edit_message_text(
            message["text"], chat_id=chat_id, message_id=message["edit"], entities=_entities(message)
        )
    except BadRequest as error:
        return "not modified" in str(error)
    return True


async def _sent(bot: ExtBot[int], chat_id: int, message: dict[str, Any]) -> None:
    reply = message["reply_to"]
    await bot.send_message(
        chat_id,
        message["text"],
        entities=_entities(message),
        message_thread_id=message["thread_id"],
        reply_parameters=ReplyParameters(reply, allow_sending_without_reply=True) if reply else None,
    )


async def _plainly(bot: ExtBot[int], part: Part, message: dict[str, Any]) -> str | None:
    """Better without its formatting than not at all."""
    try:
        await bot.send_message(part.chat_id, message["text"])
    except BadRequest:
        return "dropped"
    except TelegramError:
        return None
    return "sent"


def _entities(message: dict[str, Any]) -> list[MessageEntity]:
    return [MessageEntity.de_json(entity) for entity in message["entities"]]
