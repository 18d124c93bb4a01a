"""One growing message: drafts in private chats, edits elsewhere, Telegram's limits obeyed.

The rules are Telegram's: a draft is a preview that lives 30 s; the latest text wins and frames never queue;
before the final message comes one frame equal to its beginning, and after it never a frame.
"""

import asyncio
import logging
import random
import time
from typing import Protocol

from telegram.error import BadRequest, TelegramError
from telegram.ext import ExtBot

from bot.limits import Limiter, Urgency
from bot.render import plain_head

log = logging.getLogger(__name__)
QUICK_SECONDS, QUICK_FOR_SECONDS, CALM_SECONDS, SLOW_SECONDS = 0.45, 3.0, 1.2, 5.0
HEARTBEAT_SECONDS = 18.0
EDIT_SECONDS = 3.2
FRAMES_PER_SECOND = 12.0  # of all answers together: beyond it each one's cadence widens


class Preview(Protocol):
    """What a reader sees of an answer that is being given."""

    async def begin(self) -> None: ...
    def show(self, text: str) -> None:
        """The text so far; the latest wins."""
        ...

    async def end(self, head: str | None) -> None:
        """Stop, for a final message that begins with `head`; None: there is none, and nothing may hang."""
        ...

    @property
    def message_id(self) -> int | None:
        """The message that the final one is edited into; None: it is sent anew."""
        ...


class Paced:
    """Shows the latest text at a cadence; a subclass says how a frame is sent and when the next may come."""

    def __init__(self) -> None:
        self._latest = self._shown = ""
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._began = self._last = time.monotonic()

    def show(self, text: str) -> None:
        self._latest = text
        self._changed.set()

    async def _pace(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._changed.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                await self._beat()
                continue
            wait = self._last + self._seconds() - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._changed.clear()
            await self._frame(self._latest)

    async def _frame(self, text: str) -> None:
        if text and text != self._shown:
            self._last = time.monotonic()
            self._shown = text
            await self._send(text)

    async def _halt(self) -> None:
        """Stop pacing; a frame in flight is waited for, so that none comes after the final."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _seconds(self) -> float:
        raise NotImplementedError

    async def _send(self, text: str) -> None:
        raise NotImplementedError

    async def _beat(self) -> None:
        """Nothing came for a while."""


class Draft(Paced):
    """A draft with Telegram's own Stop button: "Thinking..." at once."""

    def __init__(self, bot: ExtBot[int], limiter: Limiter, chat_id: int, thread_id: int | None) -> None:
        super().__init__()
        self._bot, self._limiter, self._chat_id, self._thread_id = bot, limiter, chat_id, thread_id
        self._id = random.randint(1, 2**31 - 1)  # noqa: S311 - a name, not a secret
        self._works = True
        self._in_flight: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._limiter.streams += 1
        self._task = asyncio.create_task(self._thinking_then_pace())

    async def _thinking_then_pace(self) -> None:
        await self._send("")
        self._last = 0.0  # the first words go out as soon as they come
        await self._pace()

    async def end(self, head: str | None) -> None:
        in_flight = self._in_flight
        if self._task is not None:
            self._limiter.streams -= 1
        await self._halt()
        if in_flight is not None:
            await asyncio.gather(in_flight, return_exceptions=True)
        if head and self._shown and not head.startswith(self._shown):
            await self._send(plain_head(head))

    @property
    def message_id(self) -> int | None:
        return None

    def _seconds(self) -> float:
        if self._limiter.is_slow(self._chat_id):
            return SLOW_SECONDS
        quick = time.monotonic() - self._began < QUICK_FOR_SECONDS
        return max(QUICK_SECONDS if quick else CALM_SECONDS, self._limiter.streams / FRAMES_PER_SECOND)

    async def _send(self, text: str) -> None:
        """Shielded, so that halting never leaves a frame on its way unseen."""
        if self._works:
            self._in_flight = asyncio.create_task(self._call(text))
            await asyncio.shield(self._in_flight)

    async def _call(self, text: str) -> None:
        try:
            await self._bot.send_message_draft(
                self._chat_id,
                self._id,
                plain_head(text),
                message_thread_id=self._thread_id,
                api_kwargs={"can_stop": True},
            )
        except BadRequest as error:
            log.info("no drafts in chat %d: %s", self._chat_id, error)
            self._works = False
        except TelegramError as error:
            log.debug("a frame was lost: %s", error)

    async def _beat(self) -> None:
        """A draft dies after 30 s: say the same again, changed by what Telegram counts as a change."""
        self._shown = ""
        waited = int(time.monotonic() - self._began)
        await self._send(self._latest or f"… {waited} s")


class Edits(Paced):
    """A placeholder that is edited; in groups there is one budget for all, and a slot is kept for the final."""

    def __init__(
        self, bot: ExtBot[int], limiter: Limiter, chat_id: int, thread_id: int | None, reply_to: int | None
    ) -> None:
        super().__init__()
        self._bot, self._limiter, self._chat_id, self._thread_id = bot, limiter, chat_id, thread_id
        self._reply_to = reply_to
        self._message_id: int | None = None
        self._placing: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._task = asyncio.create_task(self._place_then_pace())

    async def _place_then_pace(self) -> None:
        if self._limiter.takes_preview(self._chat_id):
            self._placing = asyncio.create_task(self._place())
            await asyncio.shield(self._placing)
        self._last = time.monotonic()
        await self._pace()

    async def _place(self) -> None:
        try:
            sent = await self._bot.send_message(
                self._chat_id,
                "…",
                message_thread_id=self._thread_id,
                reply_to_message_id=self._reply_to,
                disable_notification=True,
            )
            self._message_id = sent.message_id
        except TelegramError as error:
            log.info("no placeholder in chat %d: %s", self._chat_id, error)

    async def end(self, head: str | None) -> None:
        await self._halt()
        if self._placing is not None:
            await asyncio.gather(self._placing, return_exceptions=True)
        if head is None and self._message_id is not None:
            try:
                await self._bot.delete_message(self._chat_id, self._message_id)
            except TelegramError as error:
                log.debug("a placeholder stays: %s", error)

    @property
    def message_id(self) -> int | None:
        return self._message_id

    def _seconds(self) -> float:
        return SLOW_SECONDS if self._limiter.is_slow(self._chat_id) else EDIT_SECONDS

    async def _send(self, text: str) -> None:
        if self._message_id is None:
            return
        try:
            await self._bot.edit_message_text(
                plain_head(text),
                chat_id=self._chat_id,
                message_id=self._message_id,
                rate_limit_args=Urgency.PREVIEW,
            )
        except TelegramError as error:
            log.debug("an edit was lost: %s", error)
