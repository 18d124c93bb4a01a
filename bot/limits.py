"""Telegram's budgets: previews drop, finals queue, payments never wait.

One chat about 1/s with short bursts, one group 20/min, all chats 30/s; drafts and chat actions have a
budget of their own, 20 per 5 s and 40 per 30 s a chat. A 429 is obeyed for its chat alone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

FREE = frozenset({"answercallbackquery", "answerprecheckoutquery", "getme", "getfile", "setmycommands"})
PREVIEWS = frozenset({"sendmessagedraft", "sendchataction"})
SLOW_SECONDS = 60.0
MOST_TRIES = 5
KEEP_CHATS = 5000

Answer = bool | dict[str, Any] | list[dict[str, Any]]


class Budget:
    """At most `most` in any `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self._spent: deque[float] = deque()

    def wait_seconds(self, now: float) -> float:
        """0 when one may be spent now."""
        while self._spent and self._spent[0] <= now - self.seconds:
            self._spent.popleft()
        return 0.0 if len(self._spent) < self.most else self._spent[0] + self.seconds - now

    def left(self, now: float) -> int:
        self.wait_seconds(now)
        return self.most - len(self._spent)

    def spend(self, now: float) -> None:
        self._spent.append(now)


class _Chat:
    """What one chat may still be sent."""

    def __init__(self, chat_id: int) -> None:
        self.budgets = (Budget(20, 60.0),) if chat_id < 0 else (Budget(5, 5.0), Budget(40, 60.0))
        self.previews = (Budget(18, 5.0), Budget(36, 30.0))
        self.banned_until = 0.0
        self.slow_until = 0.0


class Limiter(BaseRateLimiter[int]):
    """PTB asks it before each call. It keeps below the budgets and obeys what Telegram says."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._all = Budget(28, 1.0)
        self._chats: dict[int, _Chat] = {}

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
        rate_limit_args: int | None,  # noqa: ARG002 - PTB's signature
    ) -> Answer:
        name, chat_id = endpoint.lower(), data.get("chat_id")
        if name in FREE or not isinstance(chat_id, int):
            return await callback(*args, **kwargs)
        chat = self._chat(chat_id)
        if name in PREVIEWS:
            return await self._preview(chat, callback, args, kwargs)
        return await self._final(chat, callback, args, kwargs)

    def edits_left(self, chat_id: int) -> int:
        """How many more messages or edits this chat takes now; previews by edits leave one for the final."""
        chat, now = self._chat(chat_id), self._now()
        if now < chat.banned_until:
            return 0
        return min(budget.left(now) for budget in chat.budgets)

    def is_slow(self, chat_id: int) -> bool:
        """True for a while after a 429."""
        return self._now() < self._chat(chat_id).slow_until

    async def _preview(
        self,
        chat: _Chat,
        callback: Callable[..., Coroutine[Any, Any, Answer]],
        args: Any,
        kwargs: dict[str, Any],
    ) -> Answer:
        """Sent if it may be sent now, else not at all: the next frame says more anyway."""
        now = self._now()
        if now < chat.banned_until or any(budget.wait_seconds(now) for budget in chat.previews):
            return True
        for budget in chat.previews:
            budget.spend(now)
        try:
            return await callback(*args, **kwargs)
        except RetryAfter as error:
            self._ban(chat, error)
            return True

    async def _final(
        self,
        chat: _Chat,
        callback: Callable[..., Coroutine[Any, Any, Answer]],
        args: Any,
        kwargs: dict[str, Any],
    ) -> Answer:
        for number in range(MOST_TRIES):
            await self._turn(chat)
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                self._ban(chat, error)
                if number == MOST_TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    async def _turn(self, chat: _Chat) -> None:
        """Wait until the chat and the whole bot may send, then spend."""
        while True:
            now = self._now()
            waits = [budget.wait_seconds(now) for budget in (*chat.budgets, self._all)]
            wait = max(chat.banned_until - now, *waits)
            if wait <= 0:
                break
            await asyncio.sleep(wait)
        for budget in (*chat.budgets, self._all):
            budget.spend(now)

    def _ban(self, chat: _Chat, error: RetryAfter) -> None:
        told = error.retry_after
        seconds = told if isinstance(told, int | float) else told.total_seconds()
        now = self._now()
        chat.banned_until = max(chat.banned_until, now + seconds + 0.1)
        chat.slow_until = chat.banned_until + SLOW_SECONDS

    def _chat(self, chat_id: int) -> _Chat:
        if len(self._chats) > KEEP_CHATS:
            quiet = [number for number, chat in self._chats.items() if chat.slow_until < self._now()]
            for number in quiet:
                del self._chats[number]
        return self._chats.setdefault(chat_id, _Chat(chat_id))
