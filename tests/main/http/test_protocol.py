"""Limits on connections: their number, the time for a head, a response that is not read, an unwanted body."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
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


@pytest.mark.parametrize("said", [(), (b"GET /slow HT",), (b"GET /slow HTTP/1.1\r\n", b"x: y\r\n")])
async def test_unfinished_request_head_closes_the_connection(
    monkeypatch: pytest.MonkeyPatch, said: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    assert await received(*said) == b""


async def test_head_that_comes_byte_by_byte_has_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    async with running() as (_, client):
        reader, writer = await client.connect()
        closed = asyncio.create_task(rest(reader))
        writer.write(b"GET / HTTP/1.1\r\nx: ")
        while not closed.done():
            writer.write(b"y")
            await asyncio.wait({closed}, timeout=0.05)
        assert await closed == b""  # otherwise `rest` gives up


async def test_time_limit_applies_to_each_head_and_not_to_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    answer = await received(SLOW, b"GET /slow HT")
    assert answer.endswith(b"here")
    assert answer.startswith(b"HTTP/1.1 200")


async def test_idle_connection_is_closed_after_the_keep_alive_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "KEEP_ALIVE_SECONDS", 0.1)
    assert (await received(WHOLE)).endswith(b"here")


async def test_one_connection_too_many_closes_the_oldest_without_a_request() -> None:
    async with running(most_connections=3) as (connections, client):
        idle_reader, idle = await client.connect()
        idle.write(WHOLE)
        await idle_reader.readuntil(b"here")
        silent = [await client.connect() for _ in range(3)]
        assert await rest(silent[0][0]) == b""
        reader, writer = await client.connect()
        writer.write(WHOLE)
        assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")
        assert await rest(silent[1][0]) == b""
        idle.write(WHOLE)
        await idle_reader.readuntil(b"here")
        assert len(connections) <= 3


async def test_one_connection_too_many_is_closed_itself_where_all_are_at_work() -> None:
    waiting = Waiting()
    async with running(most_connections=2, waiting=waiting) as (_, client):
        busy = [await client.connect() for _ in range(2)]
        for _, writer in busy:
            writer.write(WAITS)
            await waiting.came.acquire()
        reader, writer = await client.connect()
        writer.write(WHOLE)
        assert await rest(reader) == b""
        waiting.go.set()
        for busy_reader, _ in busy:
            assert (await busy_reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")


async def test_idle_connection_is_closed_before_one_that_works() -> None:
    waiting = Waiting()
    async with running(most_connections=2, waiting=waiting) as (_, client):
        idle_reader, idle = await client.connect()
        idle.write(WHOLE)
        await idle_reader.readuntil(b"here")
        busy_reader, busy = await client.connect()
        busy.write(WAITS)
        await waiting.came.acquire()
        new_reader, new = await client.connect()
        new.write(WHOLE)
        assert await rest(idle_reader) == b""
        waiting.go.set()
        for reader in (busy_reader, new_reader):
            assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")


async def test_refusal_reaches_a_client_that_goes_on_sending() -> None:
    async with running() as (_, client):
        reader, writer = await client.connect()
        writer.write(b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 30000000\r\n\r\n")
        for _ in range(30):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
        answer = await rest(reader)
    assert answer.startswith(b"HTTP/1.1 413")
    assert answer.endswith(b"refused")


async def test_connection_is_closed_after_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.2)
    async with running() as (connections, client):
        reader, writer = await client.connect()
        writer.write(b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n" + WHOLE)
        answer = await rest(reader)
        assert answer.count(b"HTTP/1.1") == 1
        async with asyncio.timeout(60):
            while len(connections):
                await asyncio.sleep(0.05)


async def test_trailers_do_not_change_the_headers() -> None:
    head = (
        b"POST /headers HTTP/1.1\r\nhost: x\r\nx-key: mine\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )
    answer = await received(head + b"1\r\nx\r\n0\r\nx-key: other\r\nx-more: 1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nx-key=mine")


async def test_client_that_sends_without_end_is_cut() -> None:
    async with running() as (connections, client):
        _, writer = await client.connect()
        writer.write(b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000000\r\n\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 10 * protocol.LINGER_BYTES:
                writer.write(b"x" * 1_000_000)
                await writer.drain()
                sent += 1_000_000
        assert sent < 3 * protocol.LINGER_BYTES
        async with asyncio.timeout(60):
            while len(connections):
                await asyncio.sleep(0.01)


async def test_client_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STALL_SECONDS", 0.2)
    async with running() as (connections, client):
        _, writer = await client.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(60):
            while not len(connections):
                await asyncio.sleep(0)
            while len(connections):
                await asyncio.sleep(0.05)


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with running() as (_, client):
        reader, writer = await client.connect()
        paths = [b"/headers", b"/"] * (protocol.MOST_PIPELINED // 2)
        writer.write(b"".join(_pipelined(path, number) for number, path in enumerate(paths)))
        for number, path in enumerate(paths):
            await reader.readuntil(b"here" if path == b"/" else b"x-n=%d;" % number)


def _pipelined(path: bytes, number: int) -> bytes:
    if path == b"/":
        return WHOLE
    return b"POST %b HTTP/1.1\r\nhost: x\r\nx-n: %d;\r\ncontent-length: 3\r\n\r\nabc" % (path, number)


async def test_connection_with_too_many_waiting_requests_is_closed() -> None:
    waiting = Waiting()
    async with running(waiting=waiting) as (connections, client):
        reader, writer = await client.connect()
        writer.write(WAITS + WHOLE * (protocol.MOST_PIPELINED + 1))
        assert await rest(reader) == b""
        assert not len(connections)
        waiting.go.set()


@pytest.mark.parametrize("head", [WAITS, b"POST /wait HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"])
async def test_bytes_sent_ahead_of_an_answer_are_left_unread(head: bytes) -> None:
    waiting = Waiting()
    async with running(waiting=waiting) as (connections, client):
        _, writer = await client.connect()
        writer.write(head)
        await waiting.came.acquire()
        (connection,) = connections._open
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nx-long: " + b"y" * 8 * protocol.HEAD_BYTES)
        async with asyncio.timeout(60):
            while not connection.flow.read_paused:  # type: ignore[attr-defined]
                await asyncio.sleep(0)
        waiting.go.set()
        async with asyncio.timeout(60):
            while len(connections):
                await asyncio.sleep(0.01)


async def test_body_is_not_counted_as_sent_ahead() -> None:
    body = b"x" * 8 * protocol.HEAD_BYTES
    async with running() as (connections, client):
        reader, writer = await client.connect()
        writer.write(b"POST /headers HTTP/1.1\r\nhost: x\r\nx-n: 1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await reader.readuntil(b"x-n=1")
        (connection,) = connections._open
        assert not connection.flow.read_paused  # type: ignore[attr-defined]


async def test_new_connection_replaces_one_whose_client_does_not_read() -> None:
    async with running(most_connections=2) as (connections, client):
        stopped = await client.connect()
        stopped[1].transport.pause_reading()  # type: ignore[attr-defined]
        stopped[1].write(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(60):
            while not connections._stalled:
                await asyncio.sleep(0.01)
        waits = await client.connect()
        waits[1].write(WAITS)
        reader, writer = await client.connect()
        writer.write(WHOLE)
        await reader.readuntil(b"here")
        assert not connections._stalled
