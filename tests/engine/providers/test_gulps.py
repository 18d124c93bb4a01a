"""A body that is read in gulps: whole, its beginning at once, and nobody woken in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from engine.providers import http

PIECES = [b"piece %d " % number for number in range(30)]


@asynccontextmanager
async def answering(pieces: list[bytes]) -> AsyncIterator[httpx.Response]:
    """The response of a local server that says each piece by itself."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, http.connections() as client, http.post(client, url, {}, b"") as response:
        yield response


async def test_in_gulps_the_beginning_comes_at_once_and_the_rest_together() -> None:
    async with answering(PIECES) as response:
        read = [piece async for piece in http.pieces(response, 0.05)]
    assert b"".join(read) == b"".join(PIECES)
    assert len(read) <= http.AT_ONCE_PIECES + 3


async def test_while_a_gulp_is_waited_for_the_socket_is_not_read() -> None:
    async with answering(PIECES) as response:
        socket, seen = http.socket_of(response), []
        assert socket is not None
        reading = asyncio.create_task(_all(response))
        while not reading.done():
            seen.append(socket.is_reading())
            await asyncio.sleep(0)
        assert await reading == b"".join(PIECES)
    assert not all(seen)


async def test_leaving_in_the_middle_of_a_gulp_closes_the_socket() -> None:
    async with answering(PIECES * 1000) as response:
        socket, reading = http.socket_of(response), asyncio.create_task(_all(response, 60.0))
        assert socket is not None
        while socket.is_reading():
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert socket.is_closing()


async def _all(response: httpx.Response, gulp_seconds: float = 0.05) -> bytes:
    return b"".join([piece async for piece in http.pieces(response, gulp_seconds)])
