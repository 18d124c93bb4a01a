"""Updates on their way to the bot: long polling with its conflicts, or a webhook that is tried again."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from sandbox.telegram.refusals import refuse

MOST_TIMEOUT = 50
_RETRIES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


class Updates:
    """The queue of one bot."""

    def __init__(self, first_id: int) -> None:
        self._next_id = first_id
        self._waiting: list[dict[str, Any]] = []
        self._all: dict[int, dict[str, Any]] = {}
        self._came = asyncio.Event()
        self._poller: asyncio.Future[None] | None = None
        self.allowed: list[str] | None = None
        self.webhook: dict[str, Any] = {}
        self._delivery: asyncio.Task[None] | None = None
        self.last_error = ""
        self._closed = False

    def push(self, kind: str, content: dict[str, Any]) -> int:
        """A new update; its id."""
        if self.allowed is not None and kind not in self.allowed:
            return 0
        update: dict[str, Any] = {"update_id": self._next_id, kind: content}
        self._next_id += 1
        self._all[update["update_id"]] = update
        self._waiting.append(update)
        self._came.set()
        return self._next_id - 1

    def repeat(self, update_id: int) -> None:
        """Deliver an update again, as Telegram sometimes does."""
        self._waiting.append(self._all[update_id])
        self._came.set()

    @property
    def pending(self) -> int:
        return len(self._waiting)

    async def get(self, offset: int, limit: int, timeout: int) -> list[dict[str, Any]]:  # noqa: ASYNC109 - Telegram's own word
        """Long polling. A second poller ends the first; a webhook forbids both."""
        if self.webhook:
            raise refuse("webhook_set")
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(refuse("two_pollers"))
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poller = mine
        if offset > 0:
            self._waiting = [update for update in self._waiting if update["update_id"] >= offset]
        elif offset < 0:
            self._waiting = self._waiting[offset:]
        if not self._waiting:
            await self._wait(mine, min(timeout, MOST_TIMEOUT))
        if mine.done():
            mine.result()
        else:
            mine.cancel()
        return self._waiting[: max(1, min(100, limit or 100))]

    async def _wait(self, mine: "asyncio.Future[None]", seconds: float) -> None:
        if self._closed:
            return
        self._came.clear()
        came = asyncio.ensure_future(self._came.wait())
        both: set[asyncio.Future[Any]] = {came, mine}
        await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        came.cancel()

    def set_webhook(self, url: str, secret: str, client: Callable[[], httpx.AsyncClient]) -> None:
        self.drop_webhook()
        self.webhook = {"url": url, "secret": secret}
        self._delivery = asyncio.create_task(self._deliver(client))

    def close(self) -> None:
        """Let whoever polls go."""
        self.drop_webhook()
        self._closed = True
        self._came.set()

    def drop_webhook(self) -> None:
        self.webhook = {}
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None

    async def _deliver(self, client: Callable[[], httpx.AsyncClient]) -> None:
        """One at a time, in order; the next after a 2xx."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret"]} if self.webhook["secret"] else {}
        async with client() as http:
            failures = 0
            while True:
                if not self._waiting:
                    self._came.clear()
                    await self._came.wait()
                    continue
                try:
                    answer = await http.post(self.webhook["url"], json=self._waiting[0], headers=headers)
                    delivered = answer.is_success
                    self.last_error = "" if delivered else f"Wrong response from the webhook: {answer.status_code}"
                except httpx.HTTPError as error:
                    delivered, self.last_error = False, str(error)
                if delivered:
                    self._waiting.pop(0)
                    failures = 0
                else:
                    await asyncio.sleep(_RETRIES[min(failures, len(_RETRIES) - 1)])
                    failures += 1
