"""A server of a few small routes, and clients that send it raw bytes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from main.http import protocol
from main.http import server as serving
from main.http.connections import Connections
from tests.served import served

WHOLE = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"
WAITS = b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"
REFUSED = {"connection": "close"}


async def respond(_: Request) -> Response:
    return PlainTextResponse("here")


async def slowly(_: Request) -> Response:
    await asyncio.sleep(0.7)  # longer than the time limit of a head in the test that uses it
    return PlainTextResponse("here")


async def refuse(_: Request) -> Response:
    return PlainTextResponse("refused", 413, REFUSED)


async def headers(request: Request) -> Response:
    await request.body()
    return PlainTextResponse(" ".join(f"{name}={value}" for name, value in request.headers.items() if name[:2] == "x-"))


async def endlessly(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


class Waiting:
    """Responds once `go` is set; `came` counts the requests."""

    def __init__(self) -> None:
        self.came, self.go = asyncio.Semaphore(0), asyncio.Event()

    async def respond(self, _: Request) -> Response:
        self.came.release()
        await self.go.wait()
        return PlainTextResponse("here")


@contextlib.asynccontextmanager
async def running(
    most_connections: int = 100, waiting: Waiting | None = None
) -> AsyncIterator[tuple[Connections, "Client"]]:
    app = Starlette(
        routes=[
            Route("/", respond),
            Route("/slow", slowly),
            Route("/wait", (waiting or Waiting()).respond, methods=["GET", "POST"]),
            Route("/refuse", refuse, methods=["POST"]),
            Route("/endless", endlessly),
            Route("/headers", headers, methods=["POST"]),
        ]
    )
    server = serving.http_server(app, "127.0.0.1", 0, most_connections=most_connections)
    assert isinstance(server.config, protocol.ServerConfig)
    async with served(server) as url:
        client = Client(int(url.rpartition(":")[2]))
        try:
            yield server.config.connections, client
        finally:
            client.close()


class Client:
    """Connections that are closed at the end of a test."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.append(writer)
        return reader, writer

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


async def received(*said: bytes) -> bytes:
    """Send the pieces; return all bytes until the server closes the connection."""
    async with running() as (_, client):
        reader, writer = await client.connect()
        answer = b""
        for each in said:
            writer.write(each)
            await writer.drain()
            if each in {WHOLE, SLOW}:
                answer += await reader.readuntil(b"here")
        answer += await rest(reader)
        return answer


async def rest(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(60):
        with contextlib.suppress(ConnectionResetError):
            return await reader.read()
    return b""
