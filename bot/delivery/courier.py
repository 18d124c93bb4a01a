"""The courier: sends the outbox, each part at least once."""

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain, repeat
from typing import Any

from telegram import InlineKeyboardMarkup, MessageEntity, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.delivery import rich_messages
from bot.delivery.rate_limiter import Priority, seconds_of
from bot.delivery.rich_messages import RichPart
from bot.formatting.markdown import Piece
from engine.ports import Clock
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import outbox, questions
from storage.telegram.outbox import OutboxPart
from storage.tenants import tenant_settings

log = logging.getLogger(__name__)
PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 300.0)


def payload(
    piece: Piece,
    *,
    thread_id: int | None,
    reply_to: int | None = None,
    edit: int | None = None,
    rich_part: RichPart | None = None,
    keyboard: InlineKeyboardMarkup | None = None,
) -> str:
    """Return one message as JSON. `edit` is the message that it replaces, `rich_part` is sent instead if it can be."""
    return json.dumps(
        {
            "text": piece.text,
            "entities": [entity.to_dict() for entity in piece.entities],
            "thread_id": thread_id,
            "reply_to": reply_to,
            "edit": edit,
            **({"tables": asdict(rich_part)} if rich_part else {}),
            **({"keyboard": keyboard.to_dict()} if keyboard else {}),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


class Courier:
    """Sends the parts of each answer in order, and retries until Telegram has them.

    A call that timed out may have arrived, and Telegram has no idempotency key. It is repeated all the same: a
    duplicate is better than a lost answer.
    """

    def __init__(self, bot: ExtBot[int], db: Database, lease_id: str, clock: Clock) -> None:
        self._bot, self._db, self._lease_id, self._clock = bot, db, lease_id, clock
        self._sending: set[str] = set()
        self._later: set[asyncio.Task[None]] = set()

    async def send(self, request_id: str) -> None:
        """Send the unsent parts of an answer; retry failures later while the process lives."""
        if request_id in self._sending:
            return
        self._sending.add(request_id)
        try:
            pause = await self._tried(request_id)
        except BaseException:
            self._sending.discard(request_id)
            raise
        if pause is None:
            self._sending.discard(request_id)
            return
        self._retry_later(request_id, pause)

    async def adopt(self) -> int:
        """Send the charged answers that dead processes left unsent. Return their number."""
        now, lease_id = self._clock.now(), self._lease_id
        left = await self._db.write(lambda conn: outbox.adopt(conn, leases.dead(conn, now, lease_id), lease_id))
        for request_id in left:
            if request_id not in self._sending:
                self._sending.add(request_id)
                self._retry_later(request_id, 0.0, pauses=(0.0,))
        return len(left)

    async def stop(self) -> None:
        """Cancel the retries; the next process adopts the unsent parts."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    def _retry_later(self, request_id: str, pause: float, pauses: tuple[float, ...] = ()) -> None:
        task = asyncio.create_task(self._retry(request_id, pause, chain(pauses, PAUSES)), name=f"sending {request_id}")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _retry(self, request_id: str, pause: float, pauses: Iterable[float]) -> None:
        """Retry with growing pauses, never shorter than Telegram asked for."""
        try:
            for least in chain(pauses, repeat(PAUSES[-1])):
                await asyncio.sleep(max(pause, least))
                left = await self._tried(request_id)
                if left is None:
                    return
                pause = left
        finally:
            self._sending.discard(request_id)

    async def _tried(self, request_id: str) -> float | None:
        """Return None if nothing is left to send, else the shortest pause before a retry."""
        try:
            return await self._all(request_id)
        except Exception:  # an unreachable database may return
            log.exception("the unsent parts of %s could not be sent", request_id)
            return 0.0

    async def _all(self, request_id: str) -> float | None:
        """Return None if nothing is left; else the seconds that Telegram asks to wait (0: it named none)."""
        while parts := await self._unsent(request_id):
            try:
                outcome = await _deliver(self._bot, self._db, parts[0])
            except RetryAfter as error:
                log.warning("a part of %s must wait: %s", request_id, error)
                return seconds_of(error)
            if outcome.state is None:
                return 0.0  # send the rest later, in order
            done = parts[: outcome.parts]
            await self._db.write(partial(_finish, done=done, outcome=outcome, now=self._clock.now()))
        return None

    async def _unsent(self, request_id: str) -> list[OutboxPart]:
        """Read anew before each message: another process may have adopted the rest meanwhile."""
        return await self._db.read(lambda conn: outbox.parts(conn, request_id, self._lease_id))


def _finish(conn: Connection, done: list[OutboxPart], outcome: "_Outcome", now: datetime) -> None:
    """Mark all parts that one message contained, in one transaction, and note that message in the question's record."""
    for part in done:
        outbox.finish(conn, part.id, str(outcome.state), now)
    if outcome.message_id is not None:
        questions.add_answer_message(conn, done[0].request_id, outcome.message_id)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`state` is sent, dropped (it can never arrive) or None (Telegram is out of reach), for `parts` parts."""

    state: str | None
    parts: int = 1
    message_id: int | None = None


async def _deliver(bot: ExtBot[int], db: Database, part: OutboxPart, *, moved: bool = False) -> _Outcome:
    """Send one part, or the rich message that replaces several. Raises RetryAfter."""
    message = json.loads(part.payload)
    try:
        return await _shown(bot, part, message)
    except Forbidden:
        await db.write(lambda conn: tenant_settings.set_blocked(conn, part.chat_id, True))
        return _Outcome("dropped")
    except ChatMigrated as error:
        migrated = replace(part, chat_id=error.new_chat_id)
        return _Outcome(None) if moved else await _deliver(bot, db, migrated, moved=True)
    except BadRequest as error:
        log.warning("a part of %s was refused: %s", part.request_id, error)
        return await _sent_plain(bot, part, message)
    except RetryAfter:
        raise
    except TelegramError as error:
        log.warning("a part of %s could not be sent yet: %s", part.request_id, error)
        return _Outcome(None)


async def _shown(bot: ExtBot[int], part: OutboxPart, message: dict[str, Any]) -> _Outcome:
    if "tables" in message and (rich_id := await rich_messages.sent_rich(bot, part, message)):
        return _Outcome("sent", message["tables"]["parts"], rich_id)
    if message["edit"] and await _edited(bot, part.chat_id, message):
        return _Outcome("sent", message_id=message["edit"])
    return _Outcome("sent", message_id=await _sent(bot, part.chat_id, message))


async def _edited(bot: ExtBot[int], chat_id: int, message: dict[str, Any]) -> bool:
    """Edit the placeholder. Return False if it is gone: then the part is sent as a new message."""
    try:
        await bot.edit_message_text(
            message["text"],
            chat_id=chat_id,
            message_id=message["edit"],
            entities=_entities(message),
            reply_markup=_keyboard(bot, message),
            rate_limit_args=Priority.FINAL,
        )
    except BadRequest as error:
        return "not modified" in str(error)
    return True


async def _sent(bot: ExtBot[int], chat_id: int, message: dict[str, Any]) -> int:
    reply = message["reply_to"]
    sent = await bot.send_message(
        chat_id,
        message["text"],
        entities=_entities(message),
        message_thread_id=message["thread_id"],
        reply_parameters=ReplyParameters(reply, allow_sending_without_reply=True) if reply else None,
        reply_markup=_keyboard(bot, message),
        rate_limit_args=Priority.FINAL,
    )
    return sent.message_id


async def _sent_plain(bot: ExtBot[int], part: OutboxPart, message: dict[str, Any]) -> _Outcome:
    """Send the text without its formatting, after Telegram refused it with formatting."""
    try:
        sent = await bot.send_message(
            part.chat_id,
            message["text"],
            message_thread_id=message["thread_id"],
            reply_markup=_keyboard(bot, message),
            rate_limit_args=Priority.FINAL,
        )
    except BadRequest:
        return _Outcome("dropped")
    except RetryAfter:
        raise
    except TelegramError:
        return _Outcome(None)
    return _Outcome("sent", message_id=sent.message_id)


def _keyboard(bot: ExtBot[int], message: dict[str, Any]) -> InlineKeyboardMarkup | None:
    stored = message.get("keyboard")
    return InlineKeyboardMarkup.de_json(stored, bot) if stored else None


def _entities(message: dict[str, Any]) -> list[MessageEntity]:
    return [MessageEntity.de_json(entity) for entity in message["entities"]]
