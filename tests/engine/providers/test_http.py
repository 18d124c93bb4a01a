import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from engine.chat import AT_ONCE, ReadPace
from engine.errors import FirstTokenLate, StreamCut, Unreachable
from engine.providers import http

PIECES = [b"piece %d " % number for number in range(30)]


@asynccontextmanager
async def served(pieces: list[bytes]) -> AsyncIterator[httpx.Response]:
    """Yield a response of a local server that sends every piece separately."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, http.connections() as client, http.post(client, url, {}, b"") as response:
        yield response


async def read(response: httpx.Response, pause_seconds: float = 0.05) -> bytes:
    return b"".join([piece async for piece in http.pieces(response, ReadPace(pause_seconds))])


async def test_first_pieces_come_at_once_and_the_rest_together() -> None:
    async with served(PIECES) as response:
        found = [piece async for piece in http.pieces(response, ReadPace(0.05))]
    assert b"".join(found) == b"".join(PIECES)
    assert len(found) <= AT_ONCE.prompt_reads + 3


async def test_socket_is_not_read_during_a_pause() -> None:
    async with served(PIECES) as response:
        socket, seen = http.socket_of(response), []
        assert socket is not None
        reading = asyncio.create_task(read(response))
        while not reading.done():
            seen.append(socket.is_reading())
            await asyncio.sleep(0)
        assert await reading == b"".join(PIECES)
    assert not all(seen)


async def test_without_a_pause_the_socket_is_read_all_the_time() -> None:
    async with served(PIECES) as response:
        socket, seen = http.socket_of(response), []
        assert socket is not None
        reading = asyncio.create_task(read(response, 0.0))
        while not reading.done():
            seen.append(socket.is_reading())
            await asyncio.sleep(0)
        assert await reading == b"".join(PIECES)
    assert all(seen)


async def test_cancelling_a_pause_closes_the_socket() -> None:
    async with served(PIECES * 1000) as response:
        socket, reading = http.socket_of(response), asyncio.create_task(read(response, 60.0))
        assert socket is not None
        while socket.is_reading():
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert socket.is_closing()


async def test_body_without_a_socket_is_paused_too() -> None:
    pieces = [b"x"] * (AT_ONCE.prompt_reads + 2)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=_stream(pieces)))
    async with http.post(transport, "http://x.test/", {}, b"") as response:
        assert http.socket_of(response) is None
        assert await read(response, 0.001) == b"".join(pieces)


async def _stream(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_closed_port_is_unreachable() -> None:
    client = http.connections()
    try:
        with pytest.raises(Unreachable):
            async with http.post(client, "http://127.0.0.1:9/x", {}, b"{}"):
                pass
    finally:
        await client.aclose()


def failing(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("detail", request=request)

    return fail


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.RemoteProtocolError, StreamCut),
        (httpx.ReadError, StreamCut),
        (httpx.WriteError, StreamCut),
        (httpx.ConnectTimeout, Unreachable),
        (httpx.ConnectError, Unreachable),
        (httpx.ProxyError, Unreachable),
        (httpx.ReadTimeout, FirstTokenLate),
    ],
)
async def test_transport_errors_become_provider_errors(
    error: type[httpx.TransportError], expected: type[Exception]
) -> None:
    client = httpx.MockTransport(failing(error))
    with pytest.raises(expected, match=error.__name__):
        async with http.post(client, "http://x.test/", {}, b""):
            pass
    with pytest.raises(expected):
        await http.get(client, "http://x.test/", {})


async def test_connection_that_breaks_within_a_body_is_cut() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"begun"
        raise httpx.ReadError("reset")

    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=broken()))
    async with http.post(transport, "http://x.test/", {}, b"") as response:
        body = http.pieces(response)
        assert await anext(body) == b"begun"
        with pytest.raises(StreamCut):
            await anext(body)


async def test_compressed_body_is_unpacked() -> None:
    def packed(request: httpx.Request) -> httpx.Response:
        assert "gzip" in request.headers["accept-encoding"]
        return httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(b"plain text"))

    _, body = await http.get(httpx.MockTransport(packed), "http://x.test/models", {})
    assert body == b"plain text"


async def test_callers_headers_win_over_the_default_ones() -> None:
    sent = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return httpx.Response(200)

    await http.get(httpx.MockTransport(respond), "http://x.test/", {"accept-encoding": "identity", "x-key": "k"})
    assert (sent[0]["user-agent"], sent[0]["accept-encoding"], sent[0]["x-key"]) == ("Farthing", "identity", "k")


async def test_get_is_given_up_after_its_time() -> None:
    async def hangs(request: httpx.Request) -> httpx.Response:  # noqa: ARG001
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(FirstTokenLate, match=r"nothing for 0\.01 s"):
        await http.get(httpx.MockTransport(hangs), "http://x.test/models", {}, seconds=0.01)


async def test_proxy_has_a_pool_of_its_own_kind() -> None:
    through, direct = http.connections("http://127.0.0.1:9"), http.connections()
    assert isinstance(through, httpx.AsyncHTTPTransport)
    assert not isinstance(direct, httpx.AsyncHTTPTransport)
    await through.aclose()
    await direct.aclose()
