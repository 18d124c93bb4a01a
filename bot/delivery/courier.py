"""The courier: sends the messages in the outbox, each part at least once."""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from itertools import chain, repeat

from telegram.error import RetryAfter, TelegramError, TimedOut
from telegram.ext import ExtBot

from bot.delivery.parts import is_copy, private_payload, send_part
from bot.delivery.rate_limiter import seconds_of
from bot.delivery.refusals import reason_of
from engine.ports import Clock
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import outbox, undelivered
from storage.telegram.outbox import OutboxPart
from storage.tenants import tenant_settings

log = logging.getLogger(__name__)
PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 300.0)


class Courier:
    """Sends the parts of each answer in order, and retries until Telegram has accepted them.

    A call that timed out may have arrived, and Telegram has no idempotency keys. It is repeated nevertheless, because a
    duplicate is better than a lost answer.
    """

    def __init__(self, bot: ExtBot[int], db: Database, lease_id: str, clock: Clock) -> None:
        self._bot, self._db, self._lease_id, self._clock = bot, db, lease_id, clock
        self._sending: set[str] = set()
        self._later: set[asyncio.Task[None]] = set()

    async def send(self, request_id: str) -> None:
        """Send the unsent parts of an answer; retry failures later, as long as the process lives."""
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

    def may_adopt(self, conn: Connection) -> bool:
        """Return whether other processes, alive or dead, have unsent parts."""
        return outbox.has_others(conn, self._lease_id)

    async def adopt(self) -> int:
        """Send the charged answers that dead processes left unsent. Return their number."""
        if not await self._db.read_key(self.may_adopt):
            return 0
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
        """Retry with growing pauses, never shorter than Telegram requires."""
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
        except Exception:  # an unreachable database may become available again
            log.exception("the unsent parts of %s could not be sent", request_id)
            return 0.0

    async def _all(self, request_id: str) -> float | None:
        """Return None if nothing is left; else the seconds that Telegram requires to wait (0: it named none)."""
        while parts := await self._unsent(request_id):
            try:
                sent = await send_part(self._bot, self._db, parts[0])
            except RetryAfter as error:
                log.warning("a part of %s must wait: %s", request_id, error)
                return seconds_of(error)
            except TelegramError as error:
                if reason_of(error) is None:
                    log.warning("a part of %s could not be sent yet: %s", request_id, error)
                    await self._note_doubt(request_id, error)
                    return 0.0  # the rest is sent later, in order
                await self._elsewhere(parts, error)
                continue
            done = parts[: sent.parts]
            await self._db.write(partial(outbox.sent, parts=done, message_id=sent.message_id, now=self._clock.now()))
            if len(done) == len(parts):
                return None
        return None

    async def _unsent(self, request_id: str) -> list[OutboxPart]:
        """Return the unsent parts. Called before each message, because another process may have adopted the rest."""
        return await self._db.read_key(lambda conn: outbox.parts(conn, request_id, self._lease_id))

    async def _note_doubt(self, request_id: str, error: TelegramError) -> None:
        """If the call timed out, count the answer as shown, because it may have arrived."""
        if isinstance(error, TimedOut):
            await self._db.write(lambda conn: outbox.mark_shown(conn, request_id))

    async def _elsewhere(self, parts: list[OutboxPart], error: TelegramError) -> None:
        """Send the rest of an answer to its asker in private; give it up if that chat does not accept it either."""
        part, now = parts[0], self._clock.now()
        log.warning("an answer (%s) can't be sent to its chat: %s", part.request_id, error)
        if is_copy(part.payload):
            await self._db.write(partial(outbox.finish, part_id=part.id, state="dropped", now=now))
            return
        if part.user_id is not None and part.chat_id != part.user_id:
            moved = [(each.id, private_payload(each.payload, first=each is part)) for each in parts]
            await self._db.write(partial(_redirect, parts=moved, chat_id=part.user_id))
            return
        if part.chat_id > 0:
            await self._db.write(lambda conn: tenant_settings.set_blocked(conn, part.chat_id, True))
        returned = await self._db.write(lambda conn: undelivered.give_up(conn, part.request_id, now))
        log.warning("%s: %s", part.request_id, "its charge was given back" if returned else "its asker has seen some")


def _redirect(conn: Connection, parts: list[tuple[int, str]], chat_id: int) -> None:
    for part_id, content in parts:
        outbox.redirect(conn, part_id, chat_id, content)
