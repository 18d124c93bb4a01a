"""One connection to a local server: forms of responses, where they end, and the pace of reading."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from engine.chat import ReadPace
from engine.errors import Garbled, StreamCut
from engine.providers.transport import connection
from engine.providers.transport.pool import ConnectionPool

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


class Response:
    """A receiver that keeps everything, and needs no more after `enough` bytes."""

    def __init__(self, enough: int | None = None) -> None:
        self.status, self.headers, self.pieces, self.has_ended = 0, dict[str, str](), list[bytes](), False
        self._enough, self.content = enough, b""

    @property
    def has_begun(self) -> bool:
        return self.content in self.body

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status, dict(headers)

    def feed(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        return self._enough is not None and len(self.body) >= self._enough

    def end(self) -> None:
        self.has_ended = True


@asynccontextmanager
async def serving(*parts: bytes, closes: bool = True) -> AsyncIterator[str]:
    """Serve `parts`, written one by one, to each request."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
                if closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def posted(*parts: bytes, pause_seconds: float = 0.0, enough: int | None = None, closes: bool = True) -> Response:
    response, pool = Response(enough), ConnectionPool()
    async with serving(*parts, closes=closes) as url:
        try:
            await pool.post(url, {}, b"", response, ReadPace(pause_seconds))
        finally:
            await pool.aclose()
    return response


@pytest.mark.parametrize(
    "parts",
    [
        (OK + b"Content-Length: 5\r\n\r\nhello",),
        (OK + b"Content-Length: 5\r\n\r\n", b"he", b"llo"),
        (CHUNKED, b"2\r\nhe\r\n", b"3\r\nllo\r\n", b"0\r\n\r\n"),
        (CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",),
        (OK + b"\r\n", b"hello"),  # until the connection ends
        (b"HTTP/1.1 100 Continue\r\n\r\n", CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",),
        (b"HTTP/1.0 200 OK\r\n\r\nhello",),
        (OK + b"transfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",),
    ],
)
async def test_body_is_read_in_each_form(parts: tuple[bytes, ...]) -> None:
    response = await posted(*parts)
    assert (response.status, response.body, response.has_ended) == (200, b"hello", True)
    assert "link" not in response.headers


async def test_status_and_headers_are_passed_on_in_lower_case() -> None:
    response = await posted(b"HTTP/1.1 429 No\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n")
    assert (response.status, response.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(
    ("parts", "detail"),
    [
        ((), "lost"),
        ((CHUNKED, b"5\r\nhel"), "lost"),
        ((OK + b"content-length: 9\r\n\r\nhello",), "lost"),
        ((b"no http at all\r\n\r\n",), "no HTTP"),
        ((CHUNKED, b"zz\r\n"), "no HTTP"),
    ],
)
async def test_response_that_is_cut_or_no_http(parts: tuple[bytes, ...], detail: str) -> None:
    with pytest.raises(StreamCut, match=detail):
        await posted(*parts)


async def test_pieces_before_an_error_of_the_form_are_passed_on() -> None:
    response = await posted(CHUNKED, b"5\r\nhello\r\nzz\r\n", enough=5)
    assert response.body == b"hello"


async def test_endless_head_is_refused() -> None:
    with pytest.raises(Garbled, match="head"):
        await posted(OK, *[b"x-header: %s\r\n" % (b"x" * 8000)] * 20)


async def test_packed_body_is_unpacked() -> None:
    packed = gzip.compress(b"plain text" * 9000)
    head = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    response = await posted(head, packed[:100], packed[100:])
    assert response.body == b"plain text" * 9000
    assert max(map(len, response.pieces)) <= 16_384


async def test_encoding_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(Garbled, match="encoding"):
        await posted(OK + b"content-encoding: br\r\ncontent-length: 1\r\n\r\nx")


async def test_event_loop_runs_between_slices_that_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.0)
    body = b"x" * 200_000
    response = await posted(OK + b"content-length: 200000\r\n\r\n", body)
    assert (response.body, response.has_ended) == (body, True)
    assert len(response.pieces) > 12


async def test_body_that_ends_with_the_connection_is_read_on_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.0)
    response = await posted(OK + b"\r\n" + b"x" * 100_000)
    assert (len(response.body), response.has_ended) == (100_000, True)


async def test_body_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_BODY_BYTES", 1000)
    with pytest.raises(Garbled, match="without an end"):
        await posted(OK + b"\r\n" + b"x" * 2000)


async def test_later_reads_are_paused_and_bring_more_at_once() -> None:
    parts = (CHUNKED, *[b"9\r\nsome word\r\n"] * 200, b"0\r\n\r\n")
    paced, unpaced = await posted(*parts, pause_seconds=0.02), await posted(*parts)
    assert paced.body == unpaced.body == b"some word" * 200
    assert len(paced.pieces) < 20


async def test_reads_before_the_content_are_not_paused() -> None:
    waiting, response, pool = [b"6\r\n: wait\r\n"] * 20, Response(enough=20 * 6 + 7), ConnectionPool()
    response.content = b"content"
    try:
        async with serving(CHUNKED, *waiting, b"7\r\ncontent\r\n", closes=False) as url, asyncio.timeout(30):
            await pool.post(url, {}, b"", response, ReadPace(60.0, prompt_reads=1, most_seconds=60.0))
    finally:
        await pool.aclose()
    assert response.body.endswith(b"content")


async def test_bytes_after_a_response_close_the_connection() -> None:
    pool = ConnectionPool()
    async with serving(OK + b"content-length: 2\r\n\r\nok", b"more", closes=False) as url:
        for _ in range(2):
            await pool.post(url, {}, b"", Response())
            async with asyncio.timeout(60):
                while len(pool):
                    await asyncio.sleep(0.001)


async def test_error_of_the_receiver_reaches_the_caller() -> None:
    class Refusing(Response):
        def feed(self, piece: bytes) -> bool:
            raise Garbled(piece.decode())

    pool = ConnectionPool()
    async with serving(OK + b"content-length: 5\r\n\r\nhello") as url:
        with pytest.raises(Garbled, match="hello"):
            await pool.post(url, {}, b"", Refusing())
        async with asyncio.timeout(60):
            while len(pool):
                await asyncio.sleep(0.001)
