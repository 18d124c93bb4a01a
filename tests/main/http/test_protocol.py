"""Limits on connections: their number, the time for a head, a response that is not read, an unwanted body."""

import asyncio
import contextlib

import pytest

from main.http import protocol
from main.http import server as serving
from tests.main.http.raw_clients import SLOW, WAITS, WHOLE, Waiting, received, rest, running


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
