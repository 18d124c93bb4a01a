"""Connections to a local server that ends its bodies late: how many are needed, and whether a reader waits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from engine.chat import Chunk
from engine.errors import StreamCut
from engine.ports import ProviderCall
from engine.providers.body_ends import MOST_END_BYTES, BodyEnds
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.registry import build, specs
from engine.providers.transport.through_httpx import HttpxTransport
from tests.engine.providers.dialects.wires import ASKED
from tests.engine.providers.late_server import ANTHROPIC, OPENAI, LateServer
from tests.engine.providers.reading import ChunkSink, chunks_of


class FirstChunk(ChunkSink):
    """Sets `came` at the first chunks."""

    def __init__(self) -> None:
        super().__init__()
        self.came = asyncio.Event()

    def add(self, chunks: Sequence[Chunk]) -> None:
        super().add(chunks)
        self.came.set()


@asynccontextmanager
async def serving(
    server: LateServer, name: str = "openai", ends: BodyEnds | None = None
) -> AsyncIterator[ProviderAdapter]:
    async with server.listening() as url:
        provider = build(specs()[name], keys=("k",), base_url=url)
        assert isinstance(provider, ProviderAdapter)
        provider._transport = HttpxTransport(provider._http, ends)
        try:
            yield provider
        finally:
            await provider.aclose()


async def read(provider: ProviderAdapter) -> int:
    return len(await chunks_of(provider, ProviderCall(ASKED, "m", 100)))


def ends_of(provider: ProviderAdapter) -> BodyEnds:
    assert isinstance(provider._transport, HttpxTransport)
    return provider._transport._ends


async def ended(provider: ProviderAdapter) -> None:
    while len(ends_of(provider)):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("milliseconds", [0, 20, 200])
@pytest.mark.parametrize(("name", "answer"), [("openai", OPENAI), ("anthropic", ANTHROPIC)])
async def test_connection_is_used_again_where_the_end_comes_in_time(
    name: str, answer: bytes, milliseconds: int
) -> None:
    server = LateServer(answer, milliseconds / 1000)
    async with serving(server, name, BodyEnds(seconds=600)) as provider:
        for _ in range(4):
            assert await read(provider) >= 2
            await ended(provider)
    assert server.connections == 1


async def test_reader_does_not_wait_for_the_end_of_the_body() -> None:
    server = LateServer(seconds=600)
    async with serving(server, ends=BodyEnds(seconds=600)) as provider:
        assert await read(provider)
        assert len(ends_of(provider)) == 1
        server.end.set()
        await ended(provider)
        assert await read(provider)
        assert server.connections == 1


async def test_body_that_ends_with_the_last_event_needs_no_task() -> None:
    async with serving(LateServer()) as provider:
        await read(provider)
        assert len(ends_of(provider)) == 0


async def test_reader_that_leaves_closes_the_connection_at_once() -> None:
    server = LateServer(OPENAI.partition(b"data: [DONE]")[0], seconds=600)
    async with serving(server) as provider:
        sink = FirstChunk()
        reading = asyncio.create_task(provider.stream(ProviderCall(ASKED, "m", 100), sink))
        await sink.came.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert len(ends_of(provider)) == 0
        server.end.set()
        await server.closed.wait()


async def test_failed_stream_is_not_read_on() -> None:
    async with serving(LateServer(b"data: {}\n\n")) as provider:
        with pytest.raises(StreamCut):
            await read(provider)
        assert len(ends_of(provider)) == 0


@pytest.mark.parametrize("ends", [BodyEnds(most=0), BodyEnds(seconds=0.01)])
async def test_connection_is_closed_where_too_many_ends_are_awaited_or_one_for_too_long(ends: BodyEnds) -> None:
    server = LateServer(seconds=600)
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
        assert len(ends_of(provider)) == 0
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
