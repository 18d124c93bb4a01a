"""Updates for the bot: kept until confirmed, delivered by long polling or a webhook."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.refusals import refuse
from sandbox.telegram.webhook import Delivery, Webhook

MOST_TIMEOUT = 50
MOST_UPDATES = 100
MESSAGE_SECONDS = 24 * 3600.0
QUERY_SECONDS = 150.0
_OPT_IN = frozenset(("chat_member", "message_reaction", "message_reaction_count"))


@dataclass
class Updates:
    """The queue of one bot. `twice`: deliver each update again after it was confirmed, for tests."""

    first_id: int
    now: Callable[[], float] = time.monotonic
    twice: bool = False
    allowed: list[str] | None = None
    webhook: Webhook | None = None
    first_retry_seconds: float = 0.5

    def __post_init__(self) -> None:
        self._next_id = self.first_id
        self._waiting: list[dict[str, Any]] = []
        self._all: dict[int, dict[str, Any]] = {}
        self._dies_at: dict[int, float] = {}
        self._repeated: set[int] = set()
        self._came = asyncio.Event()
        self._poller: asyncio.Future[None] | None = None
        self._delivery: Delivery | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    def push(self, kind: str, content: dict[str, Any]) -> int:
        """Add an update. Return its id; 0 if the bot did not ask for this kind."""
        if (self.allowed is None and kind in _OPT_IN) or (self.allowed is not None and kind not in self.allowed):
            return 0
        number = self._next_id
        self._next_id += 1
        self._all[number] = {"update_id": number, kind: content}
        self._dies_at[number] = self.now() + (QUERY_SECONDS if kind.endswith("query") else MESSAGE_SECONDS)
        self._wait_for(self._all[number])
        return number

    def repeat(self, update_id: int) -> None:
        """Deliver an update again, as Telegram sometimes does."""
        self._wait_for(self._all[update_id])

    def clear(self) -> None:
        self._waiting.clear()

    @property
    def pending(self) -> int:
        self._forget_old()
        return len(self._waiting)

    async def get(self, offset: int, limit: int, timeout: int) -> list[dict[str, Any]]:  # noqa: ASYNC109 - Telegram's name
        """Return the waiting updates after at most `timeout` seconds. `offset` confirms those below it.

        A second poller ends the first. Raises the refusal for polling while a webhook is set.
        """
        if self.webhook is not None:
            raise refuse("webhook_set")
        self._end_poller("two_pollers")
        poll: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poller = poll
        self._confirm(offset)
        self._forget_old()
        if not self._waiting:
            await self._wait(poll, max(0, min(timeout, MOST_TIMEOUT)))
        if poll.done():
            poll.result()
        poll.cancel()
        return self._waiting[: limit if 1 <= limit <= MOST_UPDATES else MOST_UPDATES]

    def set_webhook(self, webhook: Webhook) -> None:
        """Deliver all further updates to the webhook, the waiting ones first."""
        self.drop_webhook()
        self._end_poller("ended_by_webhook")
        self.webhook = webhook
        self._delivery = Delivery(webhook, self.first_retry_seconds, self._waits, self._delivered)
        for update in self._waiting:
            self._delivery.add(update)

    def drop_webhook(self) -> None:
        """Remove the webhook. Updates that were not delivered keep waiting."""
        if self._delivery is not None:
            closing = asyncio.create_task(self._delivery.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self.webhook = self._delivery = None

    async def close(self) -> None:
        """Stop delivery and end the current poll."""
        self.drop_webhook()
        self._closed = True
        self._came.set()
        await asyncio.gather(*self._closing)

    def _wait_for(self, update: dict[str, Any]) -> None:
        self._waiting.append(update)
        self._came.set()
        if self._delivery is not None:
            self._delivery.add(update)

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._waiting = self._waiting[offset:]
        if offset <= 0:
            return
        done = [update for update in self._waiting if update["update_id"] < offset]
        self._waiting = [update for update in self._waiting if update["update_id"] >= offset]
        for update in done:
            self._again(update)

    def _again(self, update: dict[str, Any]) -> None:
        if self.twice and update["update_id"] not in self._repeated:
            self._repeated.add(update["update_id"])
            self._wait_for(update)

    def _waits(self, update: dict[str, Any]) -> bool:
        self._forget_old()
        return update in self._waiting

    def _delivered(self, update: dict[str, Any]) -> None:
        self._waiting.remove(update)
        self._again(update)

    def _forget_old(self) -> None:
        now = self.now()
        self._waiting = [update for update in self._waiting if self._dies_at[update["update_id"]] > now]

    def _end_poller(self, why: str) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(refuse(why))

    async def _wait(self, poll: "asyncio.Future[None]", seconds: float) -> None:
        if self._closed or not seconds:
            return
        self._came.clear()
        came = asyncio.ensure_future(self._came.wait())
        both: set[asyncio.Future[Any]] = {came, poll}
        await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        came.cancel()
