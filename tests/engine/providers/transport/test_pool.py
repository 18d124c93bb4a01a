"""The pool of direct connections: how many are needed, when they are closed, and errors of the network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from engine.errors import ProviderError, StreamCut, Unreachable
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.registry import build, specs
from engine.providers.streams import answer_reading
from engine.providers.transport import connection, pool
from engine.providers.transport.pool import ConnectionPool
from tests.engine.providers.dialects.wires import ASKED
from tests.engine.providers.late_server import ANTHROPIC, OPENAI, LateServer
from tests.engine.providers.reading import ChunkSink, chunks_of


@asynccontextmanager
async def serving(server: LateServer, name: str = "openai") -> AsyncIterator[ProviderAdapter]:
    async with server.listening() as url:
        provider = build(specs()[name], keys=("k",), base_url=url)
        assert isinstance(provider, ProviderAdapter)
        try:
            yield provider
        finally:
            await provider.aclose()


def pool_of(provider: ProviderAdapter) -> ConnectionPool:
    assert isinstance(provider._transport, ConnectionPool)
    return provider._transport


async def read(provider: ProviderAdapter) -> int:
    return len(await chunks_of(provider, ProviderCall(ASKED, "m", 100)))


async def rested(provider: ProviderAdapter) -> None:
    """Wait until each connection is idle or closed."""
    found = pool_of(provider)
    while len(found) > sum(len(idle) for idle in found._idle.values()):
        await asyncio.sleep(0.001)


class Taken:
    """A receiver that needs no body."""

    has_begun = True

    def head(self, *_: object) -> None: ...
    def feed(self, _: bytes) -> bool:
        return True

    def end(self) -> None: ...


@pytest.mark.parametrize(("seconds", "patience", "connections"), [(0, 60, 1), (0.02, 60, 1), (600, 0.05, 4)])
@pytest.mark.parametrize(("name", "answer"), [("openai", OPENAI), ("anthropic", ANTHROPIC)])
async def test_connection_is_used_again_where_the_end_comes_soon(
    name: str, answer: bytes, seconds: float, patience: float, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "END_SECONDS", patience)
    server = LateServer(answer, seconds)
    async with serving(server, name) as provider:
        for _ in range(4):
            assert await read(provider) >= 2
            await rested(provider)
    assert server.connections == connections


async def test_parallel_calls_share_no_connection_and_leave_each_other_alone() -> None:
    server = LateServer(seconds=0.001)
    async with serving(server) as provider:

        async def reads() -> list[int]:
            return [await read(provider) for _ in range(20)]

        assert {length for lengths in await asyncio.gather(*(reads() for _ in range(8))) for length in lengths} == {3}
    assert server.connections < 100


async def test_end_that_is_long_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_END_BYTES", 100)
    server = LateServer(seconds=0.01, tail=b"x" * 1000)
    async with serving(server) as provider:
        for _ in range(2):
            await read(provider)
            await rested(provider)
    assert server.connections == 2


async def test_failed_stream_closes_its_connection() -> None:
    server = LateServer(b"data: {}\n\n")
    async with serving(server) as provider:
        for _ in range(2):
            with pytest.raises(StreamCut):
                await read(provider)
            await rested(provider)
        assert server.connections == 2


async def test_reader_that_leaves_closes_the_connection_at_once() -> None:
    server = LateServer(OPENAI.partition(b"data: [DONE]")[0], seconds=600)
    async with serving(server) as provider:
        sink = ChunkSink()
        reading = asyncio.create_task(provider.stream(ProviderCall(ASKED, "m", 100), sink))
        while not sink.chunks:
            await asyncio.sleep(0.001)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await rested(provider)
        assert len(pool_of(provider)) == 0
        server.end.set()
        await server.closed.wait()


async def test_idle_connection_is_closed_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "KEEP_SECONDS", 0.1)
    monkeypatch.setattr(pool, "SWEEP_SECONDS", 0.2)
    server = LateServer()
    async with serving(server) as provider:
        await read(provider)
        assert len(pool_of(provider)) == 1
        await server.closed.wait()
        assert (len(pool_of(provider)), dict(pool_of(provider)._idle)) == (0, {})
        await read(provider)
    assert server.connections == 2


async def test_connection_that_is_idle_for_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "KEEP_SECONDS", 0.0)
    server = LateServer()
    async with serving(server) as provider:
        await read(provider)
        await asyncio.sleep(0)
        await read(provider)
        await server.closed.wait()
    assert server.connections == 2


async def test_connections_are_limited_and_waited_for() -> None:
    server = LateServer()
    found = ConnectionPool(most=1)
    async with server.listening() as url:
        await asyncio.gather(*(found.post(f"{url}/x", {}, b"x", Taken()) for _ in range(3)))
        assert len(found) <= 1
        await found.aclose()
    assert server.connections == 3


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://no-such-host.invalid/v1", "ftp://x/v1", "http://", "http://x:99999999/"]
)
async def test_server_that_cannot_be_reached(url: str) -> None:
    with pytest.raises(Unreachable):
        await ConnectionPool().post(url, {}, b"", Taken())


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\rb", "a\ud800"])
async def test_header_that_can_not_be_sent_takes_no_connection(value: str) -> None:
    server, connections = LateServer(), ConnectionPool()
    async with server.listening() as url:
        with pytest.raises(Unreachable, match="a header with"):
            await connections.post(url, {"x-key": value}, b"", Taken())
    assert len(connections) == server.connections == 0


async def test_connecting_takes_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "CONNECT_SECONDS", 0.01)

    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("aiohappyeyeballs.start_connection", never)
    with pytest.raises(ProviderError, match="ConnectTimeout"):
        await ConnectionPool().post("http://127.0.0.1:9/v1", {}, b"", Taken())


async def test_usage_after_the_end_marker_is_waited_for_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_reading, "LATE_USAGE_SECONDS", 0.05)
    server = LateServer(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n', seconds=600)
    async with serving(server) as provider:
        assert await read(provider) == 1
