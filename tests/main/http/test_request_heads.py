"""Heads that offer another protocol, or have no Host: no part of a request is ever read as a second request."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from main.http import server as serving
from tests.served import served

HIDDEN = b"GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n"


async def echo(request: Request) -> Response:
    return PlainTextResponse(b"<" + await request.body() + b">")


async def sent(*pieces: bytes) -> bytes:
    """Send the pieces, the last one with `connection: close`; return everything that is received."""
    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
    async with served(serving.http_server(app, "127.0.0.1", 0)) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            async with asyncio.timeout(30):
                return await reader.read()
        finally:
            writer.transport.abort()


def post(body: bytes, *headers: bytes) -> bytes:
    head = (b"POST / HTTP/1.1", b"host: x", b"content-length: %d" % len(body), *headers)
    return b"\r\n".join(head) + b"\r\n\r\n" + body


CLOSES = post(b"last", b"connection: close")


@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade", b"UPGRADE", b"Upgrade "])
async def test_body_beside_an_offer_of_http_2_is_read(name: bytes) -> None:
    offer = (b"Connection: Upgrade, HTTP2-Settings", name + b": h2c", b"HTTP2-Settings: AA")
    if name.endswith(b" "):
        assert (await sent(post(b"body", *offer))).startswith(b"HTTP/1.1 400")
        return
    answer = await sent(post(b"body", *offer), CLOSES)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert b"<body>" in answer
    assert b"<last>" in answer


async def test_offer_that_is_not_recognized_ends_the_connection() -> None:
    answer = await sent(post(HIDDEN, b"Connection: uPgRaDe", b"uPgRaDe: h2c"), CLOSES)
    assert answer.count(b"HTTP/1.1 200") == 1


async def test_upgrade_of_a_body_is_left_alone() -> None:
    body = b"a\r\nUpgrade: b\r\n\r\n"
    assert b"<" + body + b">" in await sent(post(body, b"connection: close"))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost:\r\nconnection: close\r\n\r\n", b"200"),
    ],
)
async def test_request_has_one_host(head: bytes, status: bytes) -> None:
    answer = await sent(head)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1") == 1
