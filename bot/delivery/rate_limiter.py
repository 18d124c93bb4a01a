"""The rate limiter of Bot API calls: previews are dropped, final messages queue and go first, payments never wait.

Telegram's limits: about 1/s with short bursts for a chat, 20/min for a group, 30/s for all chats; drafts and chat
actions have a separate budget of 20 per 5 s and 40 per 30 s per chat. Telegram counts a call when it arrives. Therefore
a chat has one call at a time, which is counted when it returns, and the whole bot stays well below its limit.

After a 429 only its chat waits. If several chats are refused within EVERYBODY_SECONDS, and Telegram accepts no call in
between, the whole bot is too fast: then every call waits, except those of FREE and a few drafts and messages to other
chats. As soon as one of these is accepted, the refusals concerned single chats after all.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.delivery.call_budgets import SLOW_SECONDS, CallGate, CallRate, ChatBudgets
from bot.delivery.lapse import LeaseLapsed

FREE = frozenset({"answercallbackquery", "answerprecheckoutquery", "getme", "getfile", "setmycommands"})
DRAFTS = frozenset({"sendmessagedraft", "sendchataction"})
CHAT_SECONDS = 1.1
LONGEST_WAIT_SECONDS = 60.0  # if the wait would be longer, the call fails at once; an answer stays in the outbox
MOST_TRIES = 5
EVERYBODY_CHATS, EVERYBODY_SECONDS = 3, 2.0
EVERYBODY = 0  # an id that no chat has
SWEEP_SECONDS = 60.0

Answer = bool | dict[str, Any] | list[dict[str, Any]]
Call = Callable[[], Coroutine[Any, Any, Answer]]


class Priority(IntEnum):
    """The order of queued calls, passed as PTB's `rate_limit_args`. A preview never queues.

    An alarm is also sent if the process has no lease, which it can't renew without the database.
    """

    ALARM = -1
    FINAL = 0
    REPLY = 1
    NOTICE = 2
    PREVIEW = 3


class RateLimiter(BaseRateLimiter[int]):
    """Passes each of PTB's calls on in its turn (`process_request`). Times are those of the running loop.

    `chat_seconds`: from one call for a chat to the next, after a burst. `may_call` is called right before each call to
    a chat; False stops it.
    """

    def __init__(
        self,
        *,
        burst: int = 4,
        per_second: float = 22.0,
        chat_seconds: float = CHAT_SECONDS,
        may_call: Callable[[], bool] = lambda: True,
    ) -> None:
        self._chat_seconds, self._may_call = chat_seconds, may_call
        self._gate = CallGate(CallRate(burst, 1 / per_second), _now, Priority.REPLY)
        self._chats: dict[int, ChatBudgets] = {}
        self._swept = float("-inf")
        self._refused: deque[tuple[float, int, float]] = deque(maxlen=64)  # 429s since the last accepted call
        self._per_second = per_second
        self.streams = 0

    async def initialize(self) -> None:
        """Do nothing: there is nothing to open."""

    async def shutdown(self) -> None:
        """Do nothing: there is nothing to close."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Answer]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Answer:
        """Make the call when its turn comes.

        Raises LeaseLapsed, and RetryAfter without a call if the wait would exceed LONGEST_WAIT_SECONDS.
        """
        name, chat_id = endpoint.lower(), data.get("chat_id")
        is_alarm = rate_limit_args == Priority.ALARM

        def call() -> Coroutine[Any, Any, Answer]:
            if not is_alarm and not self._may_call():
                raise LeaseLapsed
            return callback(*args, **kwargs)

        if name in FREE or not isinstance(chat_id, int):
            return await callback(*args, **kwargs)
        if name in DRAFTS and (chat_id > 0 or name != "sendchataction"):
            return await self._draft(chat_id, call)
        priority = Priority.REPLY if rate_limit_args is None else Priority(rate_limit_args)
        if name in DRAFTS or priority is Priority.PREVIEW:
            return await self._edit(chat_id, call)
        return await self._queued(chat_id, call, priority)

    def takes_preview(self, chat_id: int) -> bool:
        """Return True if a message or edit that is only a preview may be sent to this chat now."""
        return not self._gate.is_shut and self._chat(chat_id).takes_edit(_now())

    def share(self, processes: int) -> None:
        """Use this process's share of the whole bot's budget, if this many processes send."""
        self._gate.slow_to(processes / self._per_second)

    def take_calls(self) -> list[tuple[int, int, int, float]]:
        """Return each chat's changes since the last call: its id, messages, drafts, the wait that Telegram requires."""
        now = _now()
        calls = [(chat_id, *news) for chat_id, chat in self._chats.items() if any(news := chat.take_news(now))]
        shut_seconds = self._gate.take_shut_seconds()
        return [*calls, (EVERYBODY, 0, 0, shut_seconds)] if shut_seconds else calls

    def count_elsewhere(self, calls: Sequence[tuple[int, int, int, float]], age_seconds: float) -> None:
        """Count the calls of another process, and observe the waits that Telegram required of it."""
        for chat_id, messages, drafts, wait_seconds in calls:
            if chat_id == EVERYBODY:
                self._gate.shut(_now() + wait_seconds - age_seconds)
                self._gate.take_shut_seconds()  # the other processes know it already
                continue
            self._chat(chat_id).count_elsewhere(_now(), messages, drafts, wait_seconds - age_seconds)

    def slow_down(self, chat_id: int) -> None:
        """Send frames slowly while Telegram may still count calls of a dead process."""
        chat = self._chat(chat_id)
        chat.slow_until = max(chat.slow_until, _now() + chat.drafts[-1].seconds)

    def is_slow(self, chat_id: int) -> bool:
        """Return True for a while after a 429, and if a dead process may have used the budget."""
        return _now() < self._chat(chat_id).slow_until

    async def _draft(self, chat_id: int, call: Call) -> Answer:
        """Send the frame if the budget allows it now, else drop it, because the next frame contains its text."""
        chat, now = self._chat(chat_id), _now()
        if not chat.takes_draft(now) or (self._gate.is_shut and not self._gate.takes_probe()):
            return True
        chat.spend_draft(now)
        try:
            return await self._call(call)
        except RetryAfter as error:
            self._obey(chat_id, error)
            return True

    async def _edit(self, chat_id: int, call: Call) -> Answer:
        """Send a preview within the budget of final messages, or drop it."""
        if not self.takes_preview(chat_id):
            return True
        chat = self._chat(chat_id)
        async with chat.turn:
            await self._gate.enter(Priority.PREVIEW)
            try:
                return await self._counted(chat, call)
            except RetryAfter as error:
                self._obey(chat_id, error)
                return True

    async def _queued(self, chat_id: int, call: Call, priority: Priority) -> Answer:
        chat, tries = self._chat(chat_id), 0
        async with chat.turn:
            while True:
                await self._turn(chat, priority)
                try:
                    return await self._counted(chat, call)
                except RetryAfter as error:
                    self._obey(chat_id, error)
                    tries += 1
                    if tries == MOST_TRIES:
                        raise

    async def _turn(self, chat: ChatBudgets, priority: Priority) -> None:
        """Wait for the chat's budget, then for the whole bot's. Check again for a ban that began meanwhile."""
        while True:
            while wait := chat.wait_seconds(_now()):
                if chat.banned_until - _now() > LONGEST_WAIT_SECONDS:
                    raise RetryAfter(timedelta(seconds=int(wait) + 1))
                await asyncio.sleep(wait)
            await self._gate.enter(priority)
            if chat.banned_until <= _now():
                return

    async def _counted(self, chat: ChatBudgets, call: Call) -> Answer:
        """Make the call and count it when it returns: Telegram has counted it by then."""
        try:
            return await self._call(call)
        finally:
            chat.spend(_now())

    async def _call(self, call: Call) -> Answer:
        """Make the call. If Telegram accepts it, earlier refusals concerned single chats, and all calls may go on."""
        answer = await call()
        self._refused.clear()
        self._gate.open()
        return answer

    def _obey(self, chat_id: int, error: RetryAfter) -> None:
        """Stop calls to the chat for the time that Telegram requires, and all calls if several chats were refused."""
        now, seconds, chat = _now(), seconds_of(error), self._chat(chat_id)
        chat.banned_until = max(chat.banned_until, now + seconds + 0.1)
        chat.slow_until = chat.banned_until + SLOW_SECONDS
        self._refused.append((now, chat_id, seconds))
        lately = {refused_chat: wait for when, refused_chat, wait in self._refused if when > now - EVERYBODY_SECONDS}
        if len(lately) >= EVERYBODY_CHATS:
            self._gate.shut(now + min(lately.values()) + 0.1)

    def _chat(self, chat_id: int) -> ChatBudgets:
        self._sweep()
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = ChatBudgets(chat_id, self._chat_seconds)
        return chat

    def _sweep(self) -> None:
        now = _now()
        if now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        for chat_id in [number for number, chat in self._chats.items() if chat.is_idle(now)]:
            del self._chats[chat_id]


def seconds_of(error: RetryAfter) -> float:
    """Return `retry_after` in seconds. PTB gives a number or, depending on an environment variable, a timedelta."""
    wait = error.retry_after
    return float(wait) if isinstance(wait, int | float) else wait.total_seconds()


def _now() -> float:
    return asyncio.get_running_loop().time()
