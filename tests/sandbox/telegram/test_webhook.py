"""Tests of updates by webhook, with a receiver whose answers the test sets."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.sandbox.telegram.bot_api import ANN, BAO, Bot, keys, polls


@dataclass(slots=True)
class Receiver:
    """The receiver of a webhook. It answers with `statuses` one after another, then 200. `gate` delays messages."""

    statuses: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length:")[2].partition("\r\n")[0])
        update = json.loads(await reader.readexactly(size))
        secret = head.partition("x-telegram-bot-api-secret-token:")[2].partition("\r\n")[0].strip()
        self.got.append((secret, update))
        self.came.set()
        if "message" in update:
            await self.gate.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.got) < count:
                self.came.clear()
                await self.came.wait()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    made = Receiver()
    made.gate.set()
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    async with server:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/telegram"
        made.gate.set()


async def test_webhook_gets_waiting_updates_with_its_secret(bot: Bot, receiver: tuple[Receiver, str]) -> None:
    side, url = receiver
    bot.world.say(ANN, ANN, "before")
    await bot.call("setWebhook", url=url, secret_token="s3cret", max_connections=3)
    bot.world.say(ANN, ANN, "after")
    await side.until(2)
    assert [(secret, update["message"]["text"]) for secret, update in side.got] == [
        ("s3cret", "before"),
        ("s3cret", "after"),
    ]
    info = await bot.call("getWebhookInfo")
    assert (info["url"], info["max_connections"]) == (url, 3)


async def test_webhook_is_retried_in_order(bot: Bot, receiver: tuple[Receiver, str]) -> None:
    side, url = receiver
    bot.world.updates.first_retry_seconds = 0.001
    side.statuses = [500, 502]
    await bot.call("setWebhook", url=url)
    for text in ("one", "two"):
        bot.world.say(ANN, ANN, text)
    await side.until(4)
    assert [update["message"]["text"] for _, update in side.got] == ["one", "one", "one", "two"]
    assert (await bot.call("getWebhookInfo"))["last_error_message"] == "Wrong response from the webhook: 502 X"


async def test_webhooks_buttons_and_other_chats_pass_a_stuck_message(bot: Bot, receiver: tuple[Receiver, str]) -> None:
    side, url = receiver
    side.gate.clear()
    message = await bot.call("sendMessage", chat_id=ANN, text="press", reply_markup=keys())
    await bot.call("setWebhook", url=url)
    bot.world.say(ANN, ANN, "stuck")
    bot.world.say(ANN, ANN, "behind it")
    bot.world.say(BAO, BAO, "elsewhere")
    bot.world.press(ANN, ANN, message["message_id"], "go")
    await side.until(3)
    kinds = {
        update["message"]["text"] if "message" in update else update["callback_query"]["data"] for _, update in side.got
    }
    assert kinds == {"stuck", "elsewhere", "go"}
    assert (await bot.call("getWebhookInfo"))["pending_update_count"] >= 3


async def test_polling_and_a_webhook_exclude_each_other(bot: Bot, receiver: tuple[Receiver, str]) -> None:
    side, url = receiver
    side.gate.clear()
    polling = asyncio.create_task(bot.refused("getUpdates", timeout=50))
    await polls(bot)
    await bot.call("setWebhook", url=url)
    assert await polling == "Conflict: terminated by setWebhook request"
    assert (await bot.refused("getUpdates")).startswith("Conflict: can't use getUpdates method while webhook is active")
    bot.world.say(ANN, ANN, "not yet taken")
    await side.until(1)
    await bot.call("deleteWebhook")
    assert [update["message"]["text"] for update in await bot.updates()] == ["not yet taken"]


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"url": "http://example.org/x"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        (
            {"url": "https://example.org:8080/x"},
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        ({"url": "https://example.org/x", "secret_token": "a b"}, "secret token contains unallowed characters"),
        ({"url": "https://example.org/x", "secret_token": "a" * 257}, "secret token is too long"),
    ],
)
async def test_invalid_webhook_is_refused(bot: Bot, params: dict[str, Any], why: str) -> None:
    assert await bot.refused("setWebhook", **params) == f"Bad Request: {why}"
