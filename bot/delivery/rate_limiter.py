"""Telegram's budgets obeyed: previews drop, finals queue and come first, payments never wait.

One chat about 1/s with short bursts, one group 20/min, all chats 30/s; drafts and chat actions have a
budget of their own, 20 per 5 s and 40 per 30 s a chat. Telegram counts when a call *arrives*: a chat has one call
on its way at a time, counted when it has come back, and the whole bot stays well under its number.

A 429 stalls its chat alone. Several chats refused within a moment mean that the whole bot is too fast: then
everything waits, except what may never wait.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import timedelta
from enum import IntEnum
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.delivery.call_budgets import CallGate, CallWindow, Pace

FREE = frozenset({"answercallbackquery", "answerprecheckoutquery", "getme", "getfile", "setmycommands"})
DRAFTS = frozenset({"sendmessagedraft", "sendchataction"})
SLOW_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 60.0  # beyond it the caller is told instead: an answer stands in the outbox
MOST_TRIES = 5
EVERYBODY_CHATS, EVERYBODY_SECONDS = 3, 2.0
KEPT_FOR_FINALS = 2
SWEEP_SECONDS = 60.0

Answer = bool | dict[str, Any] | list[dict[str, Any]]
Call = Callable[[], Coroutine[Any, Any, Answer]]


class Urgency(IntEnum):
    """PTB's `rate_limit_args`: who passes first where calls queue; a preview never queues."""

    FINAL = 0
    REPLY = 1
    NOTICE = 2
    PREVIEW = 3


class _Chat:
    """What one chat may still be sent."""

    def __init__(self, chat_id: int) -> None:
        self.pace = Pace(3, 1.1)
        self.group = CallWindow(20, 60.5) if chat_id < 0 else None
        self.drafts = (CallWindow(18, 5.0), CallWindow(36, 30.0))
        self.banned_until = self.slow_until = float("-inf")
        self.turn = asyncio.Lock()

    def wait_seconds(self, now: float) -> float:
        waits = [self.banned_until - now, self.pace.wait_seconds(now)]
        if self.group is not None:
            waits.append(self.group.wait_seconds(now))
        return max(0.0, *waits)

    def spend(self, now: float) -> None:
        self.pace.spend(now)
        if self.group is not None:
            self.group.spend(now)

    def takes_draft(self, now: float) -> bool:
        return now >= self.banned_until and not any(window.wait_seconds(now) for window in self.drafts)

    def takes_edit(self, now: float) -> bool:
        """True when a preview may take a slot that no final will miss."""
        spare = self.group is None or self.group.left(now) > KEPT_FOR_FINALS
        return spare and not self.turn.locked() and self.wait_seconds(now) == 0

    def is_idle(self, now: float) -> bool:
        """True when forgetting it forgets nothing."""
        quiet = self.group is None or self.group.left(now) == self.group.most
        drafts = self.drafts[-1]
        rested = self.slow_until <= now and self.pace.is_fresh(now) and drafts.left(now) == drafts.most
        return quiet and rested and not self.turn.locked()


class Limiter(BaseRateLimiter[int]):
    """PTB asks it before each call. Time is the running loop's."""

    def __init__(self, *, burst: int = 4, per_second: float = 22.0) -> None:
        self._gate = CallGate(Pace(burst, 1 / per_second), _now)
        self._chats: dict[int, _Chat] = {}
        self._swept = float("-inf")
        self._refused: deque[tuple[float, int, float]] = deque(maxlen=64)
        self.streams = 0

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Answer]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Answer:
        """Raises RetryAfter where the wait would be longer than LONGEST_WAIT_SECONDS: the call is not made then."""
        name, chat_id = endpoint.lower(), data.get("chat_id")

        def call() -> Coroutine[Any, Any, Answer]:
            return callback(*args, **kwargs)

        if name in FREE or not isinstance(chat_id, int):
            return await call()
        if name in DRAFTS and (chat_id > 0 or name != "sendchataction"):
            return await self._draft(chat_id, call)
        urgency = Urgency.REPLY if rate_limit_args is None else Urgency(rate_limit_args)
        if name in DRAFTS or urgency is Urgency.PREVIEW:
            return await self._edit(chat_id, call)
        return await self._queued(chat_id, call, urgency)

    def takes_preview(self, chat_id: int) -> bool:
        """True when a message or an edit that is only a preview may go to this chat now."""
        return not self._gate.is_shut and self._chat(chat_id).takes_edit(_now())

    def careful(self, chat_id: int) -> None:
        """What a dead process sent there nobody remembers: for as long as Telegram counts it, frames come slowly."""
        chat = self._chat(chat_id)
        chat.slow_until = max(chat.slow_until, _now() + chat.drafts[-1].seconds)

    def is_slow(self, chat_id: int) -> bool:
        """True for a while after a 429, and where a dead process may have spent the budget."""
        return _now() < self._chat(chat_id).slow_until

    async def _draft(self, chat_id: int, call: Call) -> Answer:
        """Sent if it may be sent now, else not at all: the next frame says more anyway."""
        chat, now = self._chat(chat_id), _now()
        if self._gate.is_shut or not chat.takes_draft(now):
            return True
        for window in chat.drafts:
            window.spend(now)
        try:
            return await call()
        except RetryAfter as error:
            self._obey(chat_id, error)
            return True

    async def _edit(self, chat_id: int, call: Call) -> Answer:
        """A preview out of the budget that finals use."""
        if not self.takes_preview(chat_id):
            return True
        chat = self._chat(chat_id)
        async with chat.turn:
            await self._gate.enter(Urgency.PREVIEW)
            try:
                return await self._counted(chat, call)
            except RetryAfter as error:
                self._obey(chat_id, error)
                return True

    async def _queued(self, chat_id: int, call: Call, urgency: Urgency) -> Answer:
        chat, tries = self._chat(chat_id), 0
        async with chat.turn:
            while True:
                await self._turn(chat, urgency)
                try:
                    return await self._counted(chat, call)
                except RetryAfter as error:
                    self._obey(chat_id, error)
                    tries += 1
                    if tries == MOST_TRIES:
                        raise

    async def _turn(self, chat: _Chat, urgency: Urgency) -> None:
        """Wait for the chat, then for the whole bot; a ban may have come meanwhile."""
        while True:
            while wait := chat.wait_seconds(_now()):
                if chat.banned_until - _now() > LONGEST_WAIT_SECONDS:
                    raise RetryAfter(timedelta(seconds=int(wait) + 1))
                await asyncio.sleep(wait)
            await self._gate.enter(urgency)
            if chat.banned_until <= _now():
                return

    async def _counted(self, chat: _Chat, call: Call) -> Answer:
        """Counted when it is back: then it has certainly arrived."""
        try:
            return await call()
        finally:
            chat.spend(_now())

    def _obey(self, chat_id: int, error: RetryAfter) -> None:
        now, seconds, chat = _now(), seconds_of(error), self._chat(chat_id)
        chat.banned_until = max(chat.banned_until, now + seconds + 0.1)
        chat.slow_until = chat.banned_until + SLOW_SECONDS
        self._refused.append((now, chat_id, seconds))
        lately = {who: wait for when, who, wait in self._refused if when > now - EVERYBODY_SECONDS}
        if len(lately) >= EVERYBODY_CHATS:
            self._gate.shut(now + min(lately.values()) + 0.1)

    def _chat(self, chat_id: int) -> _Chat:
        self._sweep()
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = _Chat(chat_id)
        return chat

    def _sweep(self) -> None:
        now = _now()
        if now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        for chat_id in [number for number, chat in self._chats.items() if chat.is_idle(now)]:
            del self._chats[chat_id]


def seconds_of(error: RetryAfter) -> float:
    """PTB says it as a number or as a timedelta, by an environment variable."""
    told = error.retry_after
    return float(told) if isinstance(told, int | float) else told.total_seconds()


def _now() -> float:
    return asyncio.get_running_loop().time()
