"""A plain client of the Bot API, and helpers for its tests."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.app import Sandbox
from sandbox.telegram.world import World

ANN, BAO, OLGA = 1001, 1002, 9001
STARS = {"title": "Top-up", "description": "5 USD", "payload": "order 1", "currency": "XTR"}


@dataclass(slots=True)
class Clock:
    """The clock of rate limits, drafts and queries."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass(slots=True)
class Bot:
    """A plain client. `call` returns the result, `refused` the description of a refusal."""

    sandbox: Sandbox
    clock: Clock
    http: httpx.AsyncClient

    @property
    def world(self) -> World:
        return self.sandbox.world

    async def raw(self, method: str, **params: Any) -> dict[str, Any]:
        answer = await self.http.post(f"{self.sandbox.telegram_url}/bot{self.sandbox.token}/{method}", json=params)
        body: dict[str, Any] = answer.json()
        assert body["ok"] is (answer.status_code == 200)
        assert body["ok"] or body["error_code"] == answer.status_code
        return body

    async def call(self, method: str, **params: Any) -> Any:
        body = await self.raw(method, **params)
        assert body["ok"], body
        return body["result"]

    async def refused(self, method: str, **params: Any) -> str:
        body = await self.raw(method, **params)
        assert not body["ok"], body
        return str(body["description"])

    async def updates(self, offset: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.call("getUpdates", offset=offset)
        return found


def keys() -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}


async def polls(bot: Bot) -> None:
    """Wait until a poll is open."""
    async with asyncio.timeout(60):
        while bot.world.updates._poller is None or bot.world.updates._poller.done():
            await asyncio.sleep(0)


async def upload(bot: Bot, method: str, name_of_field: str, data: bytes, *, name: str = "file.png", **more: str) -> Any:
    url = f"{bot.sandbox.telegram_url}/bot{bot.sandbox.token}/{method}"
    return await bot.http.post(url, data={"chat_id": str(ANN), **more}, files={name_of_field: (name, data)})


async def invoice(bot: Bot) -> dict[str, Any]:
    message = await bot.call("sendInvoice", chat_id=ANN, **STARS, prices=[{"label": "a", "amount": 5}])
    return bot.world.links[f"message {ANN} {message['message_id']}"]
