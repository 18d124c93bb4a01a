"""Previews of a growing answer: the interval between frames, and drafts in private chats.

Telegram shows a draft for 30 s after its last frame. Only the latest text is sent; frames never queue. The last frame
before the final message equals its beginning, and no frame follows the final message.
"""

import asyncio
import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Protocol, Self

from telegram.error import BadRequest, InvalidToken, TelegramError, TimedOut
from telegram.ext import ExtBot

from bot import requests
from bot.delivery.rate_limiter import RateLimiter
from bot.formatting.growing.text import GrowingText
from bot.formatting.markdown import MOST_UNITS, plain_head

log = logging.getLogger(__name__)
QUICK_SECONDS, QUICK_FOR_SECONDS, CALM_SECONDS, SLOW_SECONDS = 0.57, 3.0, 1.2, 5.0
FRAMES_PER_SECOND = 12.0  # for all answers together: above it, the interval of each answer grows
WIDEST_SECONDS = 8.0
RETRY_SECONDS = 0.15  # after the first text was dropped, because all chats had to wait for a moment
HEARTBEAT_SECONDS = 18.0
STALLED_SECONDS = 6.0
"""The wait for more text after which the reader sees that the answer goes on: another provider may have to begin it."""
HEARTBEAT_UNITS = 16  # length that a heartbeat may add to a frame, in UTF-16 units


class Preview(Protocol):
    """A running answer as it is visible in the chat. Leaving its context ends the preview."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    def show(self, text: str) -> None:
        """Show the text so far."""
        ...

    async def end(self, head: str | None) -> None:
        """End the preview before a final message that begins with `head`; None: no message follows."""
        ...

    def take_over(self) -> int | None:
        """Return the message that the final one replaces by an edit; None: the final one is sent as a new message."""
        ...

    @property
    def has_shown(self) -> bool:
        """Return whether the reader has, or may have, seen a part of the answer."""
        ...


class PacedPreview(ABC):
    """Shows the latest text at intervals; a subclass sends the frames and sets the interval."""

    def __init__(self) -> None:
        self._latest = self._shown = ""
        self._growing = GrowingText()
        self.has_shown = False
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._began = self._last = time.monotonic()
        self._ended = self._is_calling = False

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

    async def _send_frames(self) -> None:
        while not self._ended:
            if not (self._changed.is_set() or await self._change()):
                await self._heartbeat()
                continue
            wait = self._last + self._seconds() - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._changed.clear()
            await self._frame(self._latest)

    async def _change(self) -> bool:
        """Wait for a new text. Return False if none comes for HEARTBEAT_SECONDS, or STALLED_SECONDS after a text."""
        try:
            # Not wait_for: on Python 3.11 it can lose a cancellation, and _halt would never end.
            async with asyncio.timeout(STALLED_SECONDS if self._latest else HEARTBEAT_SECONDS):
                return await self._changed.wait()
        except TimeoutError:
            return False

    async def _frame(self, text: str) -> None:
        """Send a frame if it changed.

        The head of a long text stops changing, so it is repeated before the draft expires.
        """
        if not text or not self._is_free():
            return
        head, now = self._growing.frame(text), time.monotonic()
        if not head:
            return
        if head != self._shown:
            self._last = now
            await self._send(head)
        elif now - self._last >= HEARTBEAT_SECONDS:
            self._last = now
            await self._heartbeat()

    async def _halt(self) -> None:
        """Stop the loop and wait for the frame being sent, so that no frame follows the final message."""
        if self._task is not None:
            if not self._is_calling:  # otherwise it ends after the call
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _uninterrupted(self, call: Awaitable[None]) -> None:
        """Make the call. If the preview ends meanwhile, it waits for the call."""
        self._is_calling = True
        try:
            await call
        finally:
            self._is_calling = False

    @abstractmethod
    async def _begin(self) -> None:
        """Show that an answer is in progress, then run the loop of frames."""

    @abstractmethod
    async def _hand_over(self, head: str | None) -> None:
        """Prepare for the final message after the last frame was sent."""

    @abstractmethod
    async def _send(self, text: str) -> None:
        """Send one frame, and note the text that arrived."""

    @abstractmethod
    async def _heartbeat(self) -> None:
        """Handle a pause without new text."""

    @abstractmethod
    def _seconds(self) -> float:
        """Return the current interval between two frames."""

    def _is_free(self) -> bool:
        """Return False while a frame would use another answer's slot."""
        return True


class DraftPreview(PacedPreview):
    """A draft with Telegram's own Stop button. It starts as "Thinking..."."""

    def __init__(self, bot: ExtBot[int], limiter: RateLimiter, chat_id: int, thread_id: int | None) -> None:
        super().__init__()
        self._bot, self._limiter, self._chat_id = bot, limiter, chat_id
        draft_id = random.randint(1, 2**31 - 1)  # noqa: S311 - a name, not a secret
        self._fields = {"chat_id": chat_id, "draft_id": draft_id, "can_stop": True}
        if thread_id is not None:
            self._fields["message_thread_id"] = thread_id
        self._works, self._was_called = True, False
        self._waited = ""  # the last frame before the answer had text

    async def __aenter__(self) -> Self:
        self._limiter.streams += 1
        return await super().__aenter__()

    def take_over(self) -> int | None:
        return None

    async def _begin(self) -> None:
        await self._send("")
        if not self._limiter.is_slow(self._chat_id):
            self._last = 0.0  # send the first text without delay
        await self._send_frames()

    async def _hand_over(self, head: str | None) -> None:
        """Make the draft equal the beginning of the final message, so that clients turn one into the other."""
        self._limiter.streams -= 1
        if head and not (self._shown and head.startswith(self._shown)):
            await self._send(plain_head(head))

    def _seconds(self) -> float:
        if self._limiter.is_slow(self._chat_id):
            return SLOW_SECONDS
        own = QUICK_SECONDS if time.monotonic() - self._began < QUICK_FOR_SECONDS else CALM_SECONDS
        return max(own, min(WIDEST_SECONDS, self._limiter.streams / FRAMES_PER_SECOND))

    async def _send(self, text: str) -> None:
        if self._works:
            self._was_called = False
            await self._uninterrupted(self._call(text))
            if not (self._was_called or self.has_shown or self._limiter.is_slow(self._chat_id)):
                self._last = time.monotonic() + RETRY_SECONDS - self._seconds()
                self._changed.set()

    async def _call(self, text: str) -> None:
        async def post() -> bool:
            self._was_called = True
            try:
                await requests.post(self._bot, "sendMessageDraft", {**self._fields, "text": text})
            except TimedOut:
                self.has_shown |= text not in {"", self._waited}  # it may have arrived
                raise
            self._shown = text
            self.has_shown |= text not in {"", self._waited}
            return True

        try:
            await self._limiter.process_request(post, (), {}, "sendMessageDraft", self._fields, None)
        except (BadRequest, InvalidToken) as error:  # InvalidToken: also a server that does not know the method
            log.info("chat %d gets no drafts, because Telegram refused one: %s", self._chat_id, error)
            self._works = False
        except TelegramError as error:
            log.debug("a frame was lost: %s", error)

    async def _heartbeat(self) -> None:
        """Repeat the text with the elapsed seconds before the draft expires: only a changed text prolongs it."""
        waited = f"… {int(time.monotonic() - self._began)} s"
        text = self._growing.frame(self._latest, MOST_UNITS - HEARTBEAT_UNITS) if self._latest else ""
        if not text:
            self._waited = waited
        await self._send(f"{text}\n\n{waited}" if text else waited)
