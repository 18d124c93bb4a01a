"""Requests that a client sends ahead of the answer, and clients that do not read theirs."""

import asyncio

import pytest

from main.http import protocol
from tests.main.http.raw_clients import WAITS, WHOLE, Waiting, rest, running


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
