"""Previews by editing a placeholder: in groups, and in private chats if /settings says so."""

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from telegram.error import TelegramError, TimedOut
from telegram.ext import ExtBot

from bot.delivery.drafts import SLOW_SECONDS, PacedPreview
from bot.delivery.rate_limiter import Priority, RateLimiter

log = logging.getLogger(__name__)
EDIT_SECONDS = 3.2
RETRY_SECONDS = 0.5
"""The wait before the next attempt to send a placeholder."""


@dataclass(slots=True)
class EditSchedule:
    """The schedule of edits in each chat, shared by its answers: at most one edit per EDIT_SECONDS."""

    _next_at: dict[int, float] = field(default_factory=dict)
    _previews: Counter[int] = field(default_factory=Counter)

    def join(self, chat_id: int) -> None:
        self._previews[chat_id] += 1

    def leave(self, chat_id: int) -> None:
        self._previews[chat_id] -= 1
        if not self._previews[chat_id]:
            del self._previews[chat_id]
            self._next_at.pop(chat_id, None)

    def take(self, chat_id: int) -> None:
        self._next_at[chat_id] = time.monotonic() + EDIT_SECONDS

    def next_at(self, chat_id: int) -> float:
        return self._next_at.get(chat_id, 0.0)

    def seconds(self, chat_id: int) -> float:
        """Return the interval between two edits of one answer; all answers of the chat take turns."""
        return EDIT_SECONDS * max(1, self._previews[chat_id])


class EditPreview(PacedPreview):
    """A placeholder that is edited. A group has one budget for all answers, which reserves slots for final messages."""

    def __init__(
        self,
        bot: ExtBot[int],
        limiter: RateLimiter,
        chat_id: int,
        thread_id: int | None,
        reply_to: int | None,
        schedule: EditSchedule,
    ) -> None:
        super().__init__()
        self._bot, self._limiter, self._chat_id, self._thread_id = bot, limiter, chat_id, thread_id
        self._reply_to, self._schedule = reply_to, schedule
        self._message_id: int | None = None
        self._taken = False

    async def __aenter__(self) -> Self:
        self._schedule.join(self._chat_id)
        return await super().__aenter__()

    def take_over(self) -> int | None:
        self._taken = self._message_id is not None
        return self._message_id

    async def _begin(self) -> None:
        """Send the placeholder as soon as no other call for the chat is in flight and a slot is free."""
        while not self._limiter.takes_preview(self._chat_id):  # noqa: ASYNC110 - budgets have no event
            await asyncio.sleep(RETRY_SECONDS)
        # in a task of its own: answers that begin together all get a placeholder
        await self._uninterrupted(asyncio.create_task(self._send_placeholder()))
        self._last = time.monotonic()
        await self._send_frames()

    async def _send_placeholder(self) -> None:
        self._schedule.take(self._chat_id)
        text = self._growing.frame(self._latest) if self._latest else ""
        try:
            sent = await self._bot.send_message(
                self._chat_id,
                text or "…",
                message_thread_id=self._thread_id,
                reply_to_message_id=self._reply_to,
                allow_sending_without_reply=True,
                disable_notification=True,
            )
            self._message_id, self._shown = sent.message_id, text
            self.has_shown |= bool(text)
        except TelegramError as error:
            log.info("no placeholder could be sent to chat %d: %s", self._chat_id, error)

    async def _hand_over(self, head: str | None) -> None:
        """Delete the placeholder, unless the final message will replace it by an edit."""
        self._schedule.leave(self._chat_id)
        if self._message_id is not None and (head is None or not self._taken):
            try:
                await self._bot.delete_message(self._chat_id, self._message_id)
            except TelegramError as error:
                log.debug("a placeholder could not be deleted: %s", error)

    def _seconds(self) -> float:
        own = SLOW_SECONDS if self._limiter.is_slow(self._chat_id) else self._schedule.seconds(self._chat_id)
        return max(own, self._schedule.next_at(self._chat_id) - self._last)

    def _is_free(self) -> bool:
        if self._message_id is None or time.monotonic() < self._schedule.next_at(self._chat_id):
            return False
        return self._limiter.takes_preview(self._chat_id)

    async def _send(self, text: str) -> None:
        self._schedule.take(self._chat_id)
        await self._uninterrupted(self._edit(text))

    async def _edit(self, text: str) -> None:
        try:
            edited = await self._bot.edit_message_text(
                text, chat_id=self._chat_id, message_id=self._message_id, rate_limit_args=Priority.PREVIEW
            )
            self._shown = text
            self.has_shown |= edited is not True  # the rate limiter drops a call without returning a message
        except TelegramError as error:
            self.has_shown |= isinstance(error, TimedOut)  # it may have arrived
            log.debug("an edit was lost: %s", error)

    async def _heartbeat(self) -> None:
        """Make an edit that had no free slot when its text came."""
        if self._latest and self._growing.frame(self._latest) != self._shown:
            await self._frame(self._latest)
