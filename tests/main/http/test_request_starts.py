"""The moment when a request begins, and the ASGI extensions that its app gets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from main.http import protocol
from main.http import server as serving
from main.http.protocol import SHORT_BODY_BYTES
from tests.served import served
from web.pipeline.event_stream import WHEN_LOST
from web.requests.body import WHOLE_BODY

WHOLE = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"


class Extensions:
    """Keeps the extensions of each request, and responds once `told` is set."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self.told, self.came = asyncio.Event(), asyncio.Semaphore(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.found.append(dict(scope.get("extensions", {})))
        self.came.release()
        await self.told.wait()
        await PlainTextResponse("here")(scope, receive, send)


@contextlib.asynccontextmanager
async def connected(app: Extensions) -> AsyncIterator[asyncio.StreamWriter]:
    async with served(serving.http_server(app, "127.0.0.1", 0, most_connections=9)) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        try:
            yield writer
        finally:
            app.told.set()
            writer.close()


@pytest.mark.parametrize("size", [1, SHORT_BODY_BYTES])
async def test_request_begins_with_its_short_body(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SHORT_BODY_SECONDS", 60)
    app = Extensions()
    async with connected(app) as writer:
        writer.write(POST % size + b"x" * (size - 1))
        await asyncio.sleep(0.01)
        assert app.found == []
        writer.write(b"x")
        await app.came.acquire()
        assert app.found[0][WHOLE_BODY] == b"x" * size


@pytest.mark.parametrize(
    "more", [b"content-length: 65537", b"transfer-encoding: chunked", b"content-length: 9999999999999"]
)
async def test_request_does_not_wait_for_another_body(more: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SHORT_BODY_SECONDS", 60)
    app = Extensions()
    async with connected(app) as writer:
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\n%b\r\n\r\n" % more)
        await app.came.acquire()
        assert app.found == [{}]


@pytest.mark.parametrize("more", [b"", b"expect: 100-continue\r\n"])
async def test_request_begins_without_its_short_body_after_a_moment(more: bytes) -> None:
    app = Extensions()
    async with connected(app) as writer:
        writer.write((POST % 2).replace(b"host: x\r\n", b"host: x\r\n" + more) + b"x")
        await app.came.acquire()
        assert app.found == [{}]


async def test_request_whose_client_leaves_before_its_short_body_never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SHORT_BODY_SECONDS", 60)
    app = Extensions()
    server = serving.http_server(app, "127.0.0.1", 0, most_connections=9)
    async with asyncio.timeout(10), served(server) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(POST % 2)
        connections: Any = server.server_state.connections
        while not (waiting := [each._unbegun for each in connections if each._unbegun is not None]):
            await asyncio.sleep(0)
        writer.close()
        while connections:
            await asyncio.sleep(0)
    ((_, _, timer),) = waiting
    assert timer.cancelled()
    assert app.found == []


async def test_app_is_told_when_the_client_hangs_up() -> None:
    app, lost = Extensions(), asyncio.Event()
    async with connected(app) as writer:
        writer.write(WHOLE)
        await app.came.acquire()
        when_lost = app.found[0][WHEN_LOST]
        when_lost(lost.set)
        writer.close()
        await asyncio.wait_for(lost.wait(), 60)
        again = asyncio.Event()
        when_lost(again.set)  # the client has disconnected before the action was registered
        await asyncio.wait_for(again.wait(), 60)
