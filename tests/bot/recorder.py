"""The sandbox's Bot API over real HTTP, which records each call with its time; tests can set refusals and lags."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import RateLimiter
from bot.requests import FormRequest
from sandbox.app import bound
from sandbox.serving import serving
from sandbox.telegram import server
from sandbox.telegram.world import TOKEN, World
from tests.bot.virtual import VirtualLoop

Fault = Callable[[str], tuple[int, dict[str, Any]] | None]


class CountedRequest(FormRequest):
    """Stops the loop's virtual time while its calls are running."""

    async def posted(self, *args: Any) -> Any:
        _loop().called(1)
        try:
            return await super().posted(*args)
        finally:
            _loop().called(-1)


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it arrived, and the status of its answer."""

    at: float
    method: str
    params: dict[str, str]
    status: int


@dataclass(slots=True)
class Telegram:
    """The Bot API as a test sees it.

    A `fault` that returns an answer replaces the sandbox's; each call takes `lag` seconds.
    """

    world: World
    bot: ExtBot[int]
    limiter: RateLimiter
    calls: list[Call] = field(default_factory=list)
    fault: Fault = lambda _: None
    lag: float = 0.0

    def of(self, method: str, chat: int | None = None) -> list[Call]:
        return [
            each
            for each in self.calls
            if each.method == method and (chat is None or each.params.get("chat_id") == str(chat))
        ]

    def texts(self, method: str, chat: int | None = None) -> list[str]:
        return [each.params.get("text", "") for each in self.of(method, chat)]

    @property
    def floods(self) -> list[Call]:
        return [each for each in self.calls if each.status == 429]


@asynccontextmanager
async def telegram() -> AsyncIterator[Telegram]:
    loop = asyncio.get_running_loop()
    world, limiter, listener = World(loop.time), RateLimiter(), bound("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    bot = ExtBot(TOKEN, base_url=f"{address}/bot", request=CountedRequest(), rate_limiter=limiter)
    recorded = Telegram(world, bot, limiter)
    app = _Recorder(recorded, Starlette(routes=list(server.routes(world))))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    async with serving(uvicorn.Server(config), [listener]), bot:
        recorded.calls.clear()
        yield recorded


class _Recorder:
    """Middleware of the sandbox's app that records, delays and refuses calls."""

    def __init__(self, recorded: Telegram, app: Starlette) -> None:
        self._recorded, self._app = recorded, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, body = asyncio.get_running_loop().time(), await _whole(receive)
        method, params = scope["path"].rpartition("/")[2], dict(parse_qsl(body.decode(), keep_blank_values=True))
        await _lag(self._recorded.lag)
        status = 0

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        if fault := self._recorded.fault(method):
            status = fault[0]
            await _refuse(send, *fault)
        else:
            await self._app(scope, replay, noted)
        self._recorded.calls.append(Call(began, method, params, status))


def _loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


async def _lag(seconds: float) -> None:
    """Let virtual time pass although a call is running: Telegram is working."""
    _loop().called(-1)
    await asyncio.sleep(seconds)
    _loop().called(1)


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _refuse(send: Send, status: int, parameters: dict[str, Any]) -> None:
    content = json.dumps(
        {"ok": False, "error_code": status, "description": "Refused by the test", "parameters": parameters}
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
