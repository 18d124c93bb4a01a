"""Delivery to a webhook: in order within a chat, repeated until it succeeds. Queries never wait for messages."""

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

MOST_RETRY_SECONDS = 60.0
MOST_RETRY_AFTER_SECONDS = 3600.0
TIMEOUT_SECONDS = 30.0
Update = dict[str, Any]


@dataclass(slots=True)
class Webhook:
    """Address and secret of a webhook, and its last error."""

    url: str
    secret: str = ""
    max_connections: int = 40
    last_error: str = ""
    last_error_at: int = 0

    def failed(self, why: str) -> None:
        self.last_error, self.last_error_at = why, int(time.time())


@dataclass
class Delivery:
    """Delivers updates, with one task per queue.

    `waits`: whether an update must still be sent. `delivered`: called after each success.
    """

    webhook: Webhook
    first_retry_seconds: float
    waits: Callable[[Update], bool]
    delivered: Callable[[Update], None]
    _queues: defaultdict[str, deque[Update]] = field(default_factory=lambda: defaultdict(deque))
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, verify=False)  # noqa: S501 - loopback
        self._connections = asyncio.Semaphore(self.webhook.max_connections)

    def add(self, update: Update) -> None:
        name = queue_of(update)
        self._queues[name].append(update)
        if name not in self._tasks or self._tasks[name].done():
            self._tasks[name] = asyncio.create_task(self._work(self._queues[name]))

    async def close(self) -> None:
        """Stop all deliveries. Waits for running requests: httpx leaves the socket of a cancelled handshake open."""
        self._closed.set()
        await asyncio.gather(*self._tasks.values())
        await self._client.aclose()

    async def _work(self, queue: deque[Update]) -> None:
        """Post the updates of a queue, each after the one before it got a 2xx."""
        while queue and not self._closed.is_set():
            if self.waits(queue[0]):
                await self._deliver(queue[0])
            queue.popleft()

    async def _deliver(self, update: Update) -> None:
        delay = self.first_retry_seconds
        while self.waits(update) and not self._closed.is_set():
            wait = await self._post(update)
            if wait is None and self.waits(update):
                self.delivered(update)
            if wait is None:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), max(wait, delay))
            delay = min(MOST_RETRY_SECONDS, delay * 2)

    async def _post(self, update: Update) -> float | None:
        """Post an update. Return None if it was accepted, else the seconds to wait that the receiver asks for."""
        secret = self.webhook.secret
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        try:
            async with self._connections:
                answer = await self._client.post(self.webhook.url, json=update, headers=headers)
        except httpx.HTTPError as error:
            self.webhook.failed(f"Connection failed: {error}")
            return 0.0
        if answer.is_success:
            return None
        self.webhook.failed(f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}")
        after = answer.headers.get("retry-after", "")
        return min(MOST_RETRY_AFTER_SECONDS, float(after)) if after.isdigit() else 0.0


def queue_of(update: Update) -> str:
    """Return the queue of an update: messages queue by chat, queries by kind and user."""
    kind = next(name for name in update if name != "update_id")
    content = update[kind]
    if "chat" in content and not kind.endswith("query"):
        return f"chat {content['chat']['id']}"
    return f"{kind} {content.get('from', {}).get('id', '')}"
