"""One growing message, at a cadence; here as a draft, in private chats.

The rules are Telegram's: a draft is a preview that lives 30 s; the latest text wins and frames never queue;
before the final message comes one frame equal to its beginning, and after it never a frame.
"""

import asyncio
import logging
import random
import time
from abc import ABC, abstractmethod
from typing import Protocol, Self

from telegram.error import BadRequest, TelegramError
from telegram.ext import ExtBot

from bot import requests
from bot.delivery.rate_limiter import Limiter
from bot.formatting.markdown import MOST_UNITS, plain_head

log = logging.getLogger(__name__)
QUICK_SECONDS, QUICK_FOR_SECONDS, CALM_SECONDS, SLOW_SECONDS = 0.6, 3.0, 1.2, 5.0
FRAMES_PER_SECOND = 12.0  # of all answers together: beyond it each one's cadence widens
WIDEST_SECONDS = 8.0
HEARTBEAT_SECONDS = 18.0
HEARTBEAT_ROOM = 16  # units of a frame that a heartbeat may add


class Preview(Protocol):
    """What a reader sees of an answer that is being given. Leaving its context ends it."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    def show(self, text: str) -> None:
        """The text so far; the latest wins."""
        ...

    async def end(self, head: str | None) -> None:
        """Stop, for a final message that begins with `head`; None: there is none, and nothing may hang."""
        ...

    def take_over(self) -> int | None:
        """The message that the final one will be edited into; None: it is sent anew."""
        ...


class Paced(ABC):
    """Shows the latest text at a cadence; a subclass says how a frame is sent and when the next may come."""

    def __init__(self) -> None:
        self._latest = self._shown = ""
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._began = self._last = time.monotonic()
        self._ended = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._begin())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end(None)

    def show(self, text: str) -> None:
        self._latest = text
        self._changed.set()

    async def end(self, head: str | None) -> None:
        if not self._ended:
            self._ended = True
            try:
                await self._halt()
            finally:
                await self._hand_over(head)

    async def _pace(self) -> None:
        while True:
            try:
                # Not wait_for: on Python 3.11 it swallows a cancellation that meets a change; _halt would never end.
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                await self._beat()
                continue
            wait = self._last + self._seconds() - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._changed.clear()
            await self._frame(self._latest)

    async def _frame(self, text: str) -> None:
        """Show it, if that changes anything; past what a frame can hold nothing does, and it must not die of that."""
        head, now = plain_head(text), time.monotonic()
        if not head or not self._is_free():
            return
        if head != self._shown:
            self._last = now
            await self._send(head)
        elif now - self._last >= HEARTBEAT_SECONDS:
            self._last = now
            await self._beat()

    async def _halt(self) -> None:
        """Stop pacing; a frame in flight is waited for, so that none comes after the final."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    @abstractmethod
    async def _begin(self) -> None:
        """Say that an answer is on its way, then pace."""

    @abstractmethod
    async def _hand_over(self, head: str | None) -> None:
        """Pacing is over: make room for the final message."""

    @abstractmethod
    async def _send(self, text: str) -> None:
        """One frame; what arrives is remembered as shown."""

    @abstractmethod
    async def _beat(self) -> None:
        """Nothing came for a while."""

    @abstractmethod
    def _seconds(self) -> float:
        """Between two frames, as things are now."""

    def _is_free(self) -> bool:
        """False while a frame would take somebody else's turn."""
        return True


class DraftPreview(Paced):
    """A draft with Telegram's own Stop button: "Thinking..." at once."""

    def __init__(self, bot: ExtBot[int], limiter: Limiter, chat_id: int, thread_id: int | None) -> None:
        super().__init__()
        self._bot, self._limiter, self._chat_id = bot, limiter, chat_id
        draft_id = random.randint(1, 2**31 - 1)  # noqa: S311 - a name, not a secret
        self._fields = {"chat_id": chat_id, "draft_id": draft_id, "can_stop": True}
        if thread_id is not None:
            self._fields["message_thread_id"] = thread_id
        self._works = True
        self._in_flight: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._limiter.streams += 1
        return await super().__aenter__()

    def take_over(self) -> int | None:
        return None

    async def _begin(self) -> None:
        await self._send("")
        if not self._limiter.is_slow(self._chat_id):
            self._last = 0.0  # the first words go out as soon as they come
        await self._pace()

    async def _hand_over(self, head: str | None) -> None:
        """Clients grow the draft into the final message where both begin alike."""
        self._limiter.streams -= 1
        if self._in_flight is not None:
            await asyncio.gather(self._in_flight, return_exceptions=True)
        if head and not (self._shown and head.startswith(self._shown)):
            await self._send(plain_head(head))

    def _seconds(self) -> float:
        if self._limiter.is_slow(self._chat_id):
            return SLOW_SECONDS
        own = QUICK_SECONDS if time.monotonic() - self._began < QUICK_FOR_SECONDS else CALM_SECONDS
        return max(own, min(WIDEST_SECONDS, self._limiter.streams / FRAMES_PER_SECOND))

    async def _send(self, text: str) -> None:
        """Shielded, so that halting never leaves a frame on its way unseen."""
        if self._works:
            self._in_flight = asyncio.create_task(self._call(text))
            await asyncio.shield(self._in_flight)

    async def _call(self, text: str) -> None:
        async def post() -> bool:
            await requests.post(self._bot, "sendMessageDraft", {**self._fields, "text": text})
            self._shown = text
            return True

        try:
            await self._limiter.process_request(post, (), {}, "sendMessageDraft", self._fields, None)
        except BadRequest as error:
            log.info("no drafts in chat %d: %s", self._chat_id, error)
            self._works = False
        except TelegramError as error:
            log.debug("a frame was lost: %s", error)

    async def _beat(self) -> None:
        """A draft dies after 30 s: the same again, with the seconds after it, since only a change counts."""
        waited = f"… {int(time.monotonic() - self._began)} s"
        text = plain_head(self._latest, MOST_UNITS - HEARTBEAT_ROOM)
        await self._send(f"{text}\n\n{waited}" if text else waited)
