"""The head of a response, sent with its body in one call of the system."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from main.http.protocol import MOST_COPIED_BYTES, BoundedProtocol, LingeringTransport
from main.http.server import http_server
from tests.served import served

LONG = "x" * (MOST_COPIED_BYTES + 1)


class Written(asyncio.Transport):
    """The connection below: what was written to it, one item for each call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.calls.append(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def abort(self) -> None:
        self.is_closed = True

    def resume_reading(self) -> None:
        pass


def above(inner: Written) -> LingeringTransport:
    return LingeringTransport(inner, asyncio.get_running_loop(), cast("BoundedProtocol", None))


async def test_head_is_written_with_the_body_that_follows() -> None:
    inner = Written()
    transport = above(inner)
    transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
    transport.write(b"body")
    transport.write(b"more")
    await asyncio.sleep(0)
    assert inner.calls == [b"HTTP/1.1 200 OK\r\n\r\nbody", b"more"]


async def test_head_without_a_body_is_written_in_the_next_turn_of_the_loop() -> None:
    inner = Written()
    above(inner).write(b"HTTP/1.1 200 OK\r\n\r\n")
    assert inner.calls == []
    await asyncio.sleep(0)
    assert inner.calls == [b"HTTP/1.1 200 OK\r\n\r\n"]


@pytest.mark.parametrize("end", [LingeringTransport.abort, lambda transport: transport._inner.abort()])
async def test_head_is_not_written_to_a_connection_that_has_ended(end: Callable[[LingeringTransport], None]) -> None:
    inner = Written()
    transport = above(inner)
    transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
    end(transport)
    await asyncio.sleep(0)
    assert inner.calls == []


async def respond(_: Request) -> Response:
    return PlainTextResponse(LONG)


async def stream(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(0.01)
        yield b"HTTP/1.1 is no head here"

    return StreamingResponse(pieces())


@pytest.mark.parametrize(("path", "body"), [("/long", LONG), ("/stream", "firstHTTP/1.1 is no head here")])
async def test_bodies_arrive_whole_behind_their_heads(path: str, body: str) -> None:
    app = Starlette(routes=[Route("/long", respond), Route("/stream", stream)])
    async with served(http_server(app, "127.0.0.1", 0)) as url:
        port = int(url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):  # the connection is used again
            writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert await _body(reader, is_chunked=b"chunked" in head, length=len(body)) == body
        writer.close()


async def _body(reader: asyncio.StreamReader, *, is_chunked: bool, length: int) -> str:
    if not is_chunked:
        return (await reader.readexactly(length)).decode()
    found = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        found += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return found.decode()
