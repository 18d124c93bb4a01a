"""A connection that a provider drops after the request concerns one model; one that can't be made concerns them all."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from engine.errors import ProviderError, StreamCut, Unreachable
from engine.providers import http
from engine.providers.transport.pool import ConnectionPool
from engine.providers.transport.through_httpx import HttpxTransport
from tests.engine.two_providers import A2, A, TwoProviders

KINDS = ("pool", "httpx")


class Reader:
    """A receiver that takes everything."""

    has_begun = False

    def head(self, status: int, headers: object) -> None: ...
    def feed(self, piece: bytes) -> bool:
        return not piece

    def end(self) -> None: ...


@asynccontextmanager
async def dropping(*, with_reset: bool) -> AsyncIterator[str]:
    """Serve a port that reads each request and drops its connection; yield its URL."""

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if with_reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def posted(kind: str, url: str) -> ProviderError:
    connections = http.connections()
    transport = ConnectionPool() if kind == "pool" else HttpxTransport(connections)
    try:
        await transport.post(url, {}, b"{}", Reader())
    except ProviderError as error:
        return error
    finally:
        await transport.aclose()
        await connections.aclose()
    raise AssertionError


@pytest.mark.parametrize("with_reset", [True, False])
@pytest.mark.parametrize("kind", KINDS)
async def test_dropped_connection_is_a_cut(kind: str, with_reset: bool) -> None:
    async with dropping(with_reset=with_reset) as url:
        assert isinstance(await posted(kind, url), StreamCut)


@pytest.mark.parametrize("kind", KINDS)
async def test_closed_port_is_unreachable(kind: str) -> None:
    assert isinstance(await posted(kind, "http://127.0.0.1:1/"), Unreachable)


def test_model_that_drops_connections_leaves_the_other_models_of_its_provider_alone() -> None:
    """A gateway in front of many models drops only the connections of the sick one."""
    providers = TwoProviders()
    providers.fails(StreamCut("the connection was lost"), 5)
    assert providers.denial(A).reason.startswith("breaker open after cut")
    providers.permit(A2)
