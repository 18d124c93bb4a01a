"""Connections to a local server that ends its bodies late: how many are needed, and whether a reader waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from engine.errors import StreamCut
from engine.ports import ProviderCall
from engine.providers.body_ends import MOST_END_BYTES, BodyEnds
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.registry import build, specs
from tests.engine.providers.dialects.wires import ASKED

OPENAI = b'data: {"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
ANTHROPIC = (
    b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}\n\n'
    b'data: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}\n\ndata: {"type": "message_stop"}\n\n'
)


@dataclass
class LateServer:
    """Sends each body at once and its end when `end` is set, or after `seconds`; counts connections."""

    answer: bytes = OPENAI
    seconds: float = 0.0
    tail: bytes = b""
    end: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
                await reader.readexactly(int(length.split(b":")[1]))
                head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                end = b"" if self.seconds else b"0\r\n\r\n"
                writer.write(head + b"%x\r\n%s\r\n" % (len(self.answer), self.answer) + end)
                if self.seconds:
                    await self._end(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        finally:
            writer.close()

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                await self.end.wait()
        except TimeoutError:
            pass
        if self.tail:
            writer.write(b"%x\r\n%s\r\n" % (len(self.tail), self.tail))
        writer.write(b"0\r\n\r\n")
        await writer.drain()


@asynccontextmanager
async def serving(
    server: LateServer, name: str = "openai", ends: BodyEnds | None = None
) -> AsyncIterator[ProviderAdapter]:
    listening = await asyncio.start_server(server.respond, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    provider = build(specs()[name], keys=("k",), base_url=server.url)
    assert isinstance(provider, ProviderAdapter)
    if ends is not None:
        provider._body_ends = ends
    try:
        async with listening:
            yield provider
            await provider.aclose()
    finally:
        await provider.aclose()


async def read(provider: ProviderAdapter) -> int:
    async with provider.stream(ProviderCall(ASKED, "m", 100)) as chunks:
        return len([chunk async for batch in chunks for chunk in batch])


async def ended(provider: ProviderAdapter) -> None:
    while len(provider._body_ends):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(("milliseconds", "connections"), [(0, 1), (20, 1), (200, 1), (400, 4)])
@pytest.mark.parametrize(("name", "answer"), [("openai", OPENAI), ("anthropic", ANTHROPIC)])
async def test_connection_is_used_again_where_the_end_comes_within_a_quarter_second(
    name: str, answer: bytes, milliseconds: int, connections: int
) -> None:
    server = LateServer(answer, milliseconds / 1000)
    async with serving(server, name, BodyEnds(seconds=0.3)) as provider:
        for _ in range(4):
            assert await read(provider) >= 2
            await ended(provider)
    assert server.connections == connections


async def test_reader_does_not_wait_for_the_end_of_the_body() -> None:
    server = LateServer(seconds=600)
    async with serving(server, ends=BodyEnds(seconds=600)) as provider:
        assert await read(provider)
        assert len(provider._body_ends) == 1
        server.end.set()
        await ended(provider)
        assert await read(provider)
        assert server.connections == 1


async def test_body_that_ends_with_the_last_event_needs_no_task() -> None:
    async with serving(LateServer()) as provider:
        await read(provider)
        assert len(provider._body_ends) == 0


async def test_reader_that_leaves_closes_the_connection_at_once() -> None:
    server = LateServer(OPENAI.partition(b"data: [DONE]")[0], seconds=600)
    async with serving(server) as provider:
        reading = asyncio.create_task(read(provider))
        while not server.connections:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert len(provider._body_ends) == 0
        server.end.set()
        await server.closed.wait()


async def test_failed_stream_is_not_read_on() -> None:
    async with serving(LateServer(b"data: {}\n\n")) as provider:
        with pytest.raises(StreamCut):
            await read(provider)
        assert len(provider._body_ends) == 0


@pytest.mark.parametrize("ends", [BodyEnds(most=0), BodyEnds(seconds=0.01)])
async def test_connection_is_closed_where_too_many_ends_are_awaited_or_one_for_too_long(ends: BodyEnds) -> None:
    server = LateServer(seconds=0.1)
    async with serving(server, ends=ends) as provider:
        for _ in range(3):
            await read(provider)
            await ended(provider)
    assert server.connections == 3


async def test_end_that_is_long_closes_the_connection() -> None:
    server = LateServer(seconds=0.01, tail=b"x" * 200 * MOST_END_BYTES)
    async with serving(server, ends=BodyEnds(seconds=600)) as provider:
        for _ in range(2):
            await read(provider)
            await ended(provider)
    assert server.connections == 2


async def test_closed_provider_closes_bodies_at_once() -> None:
    server = LateServer(seconds=600)
    async with serving(server, ends=BodyEnds(seconds=600)) as provider:
        await read(provider)
        await provider.aclose()
        assert len(provider._body_ends) == 0
        server.end.set()
        await server.closed.wait()


async def test_nothing_is_read_after_closing() -> None:
    ends = BodyEnds()
    await ends.aclose()
    response = httpx.Response(200, content=_nothing())
    await ends.finish(response, response.aiter_bytes())
    assert (len(ends), response.is_closed) == (0, True)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
