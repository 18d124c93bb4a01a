"""The time limit of a request's head."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from main import server as serving

WHOLE = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"


async def slowly(_: Request) -> Response:
    await asyncio.sleep(0.3)
    return PlainTextResponse("here")


async def received(monkeypatch: pytest.MonkeyPatch, *said: bytes) -> bytes:
    """Send the pieces; return all bytes until the server closes the connection."""
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.1)
    server = serving.http_server(Starlette(routes=[Route("/slow", slowly)]), "127.0.0.1", 0)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = b""
        for each in said:
            writer.write(each)
            await writer.drain()
            if each == WHOLE:
                answer += await reader.readuntil(b"here")
        async with asyncio.timeout(20):
            answer += await reader.read()
        writer.close()
        return answer
    finally:
        server.should_exit = True
        await running


@pytest.mark.parametrize("said", [(), (b"GET /slow HT",), (b"GET /slow HTTP/1.1\r\n", b"x: y\r\n")])
async def test_unfinished_request_head_closes_the_connection(
    monkeypatch: pytest.MonkeyPatch, said: tuple[bytes, ...]
) -> None:
    assert await received(monkeypatch, *said) == b""


async def test_time_limit_applies_to_each_head_and_not_to_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = await received(monkeypatch, WHOLE, b"GET /slow HT")
    assert answer.endswith(b"here")
    assert answer.startswith(b"HTTP/1.1 200")
