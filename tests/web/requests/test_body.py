"""Bodies: encodings, lengths, pace and the number of JSON values, first by function, then over real sockets."""

import asyncio
import gzip
import json
import zlib
from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.types import Message

from tests.web.conftest import ASKED, RunningApi
from web.errors import HttpProblem
from web.requests import body as request_body
from web.requests.body import MOST_BODY_BYTES, MOST_VALUES, BodyReader, ClientLeft, has_too_many_values
from web.requests.body_memory import BodyMemory

TEXT = b'{"model": "auto"}' * 5000
MIB = 1024 * 1024
CHAT = {"model": "auto", "messages": ASKED}


class Clock:
    """A clock that each piece of a body advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def read(pieces: list[tuple[float, bytes]], headers: Mapping[bytes, bytes] | None = None) -> bytes:
    """Read a body whose pieces come after the given seconds."""
    clock, coming = Clock(), deque(pieces)

    async def receive() -> Message:
        seconds, data = coming.popleft()
        clock.now += seconds
        return {"type": "http.request", "body": data, "more_body": bool(coming)}

    head = {b"transfer-encoding": b"chunked"} if headers is None else headers
    return await BodyReader(BodyMemory(), clock).read(head, receive, 1)


async def encoded(kind: str, data: bytes, step: int = 1000) -> bytes:
    pieces = [(0.0, data[start : start + step]) for start in range(0, len(data), step)]
    return await read(pieces, {b"content-encoding": kind.encode(), b"content-length": b"%d" % len(data)})


async def refused(kind: str, data: bytes, step: int = 65536) -> HttpProblem:
    with pytest.raises(HttpProblem) as caught:
        await encoded(kind, data, step)
    return caught.value


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:999]) + gzip.compress(TEXT[999:])),
        ("gzip", gzip.compress(b"") + gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("identity", TEXT),
    ],
)
async def test_encoded_body_is_expanded(kind: str, data: bytes, step: int) -> None:
    assert await encoded(kind, data, step) == TEXT


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("gzip", b"not gzip at all"),
        ("gzip", gzip.compress(TEXT)[:-9]),
        ("gzip", gzip.compress(TEXT) + b"more"),
        ("gzip", b"\x1f"),
        ("gzip", gzip.compress(b"") * 100),
        ("deflate", zlib.compress(TEXT) + b"more"),
        ("deflate", zlib.compress(TEXT)[:-9]),
    ],
)
async def test_broken_encoding_is_400(kind: str, data: bytes) -> None:
    problem = await refused(kind, data)
    assert problem.status == 400
    assert kind in problem.message


@pytest.mark.parametrize("kind", ["br", "zstd", "gzip, gzip", "compress"])
async def test_other_encoding_is_415_with_those_that_are_taken(kind: str) -> None:
    problem = await refused(kind, b"x")
    assert (problem.status, problem.headers()["accept-encoding"]) == (415, "gzip, deflate")


async def test_bomb_is_refused_at_the_limit() -> None:
    bomb = gzip.compress(b"0" * (300 * MIB))
    assert len(bomb) < MIB
    assert (await refused("gzip", bomb)).status == 413


async def test_expanded_body_of_the_limit_is_read_and_one_more_byte_is_not() -> None:
    whole = b'"' + b"0" * (MOST_BODY_BYTES - 2) + b'"'
    assert await encoded("gzip", gzip.compress(whole), 65536) == whole
    assert (await refused("gzip", gzip.compress(whole + b" "))).status == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({b"content-length": b"%d" % (MOST_BODY_BYTES + 1)}, 413),
        ({b"content-length": b"9" * 5000}, 413),
        ({b"content-length": b"-1"}, 400),
        ({b"content-length": b"1x"}, 400),
        ({b"content-length": b"1", b"transfer-encoding": b"chunked"}, 400),
    ],
)
async def test_wrong_length_is_refused_before_the_body_is_read(headers: dict[bytes, bytes], status: int) -> None:
    with pytest.raises(HttpProblem) as caught:
        await read([], headers)
    assert caught.value.status == status


KB = 1000


@pytest.mark.parametrize(
    ("pieces", "is_read"),
    [
        ([(4.9, b"x")], True),
        ([(5.1, b"x")], False),
        ([(4.9, b"x" * 10 * KB), (1, b"x")], True),
        ([(4.9, b"x" * 10 * KB), (1.2, b"x")], False),
        ([(0, b"x" * 10 * KB)] + [(1, b"x" * 10 * KB)] * 50, True),
        ([(0, b"x" * 10 * KB)] + [(1, b"x" * 8 * KB)] * 50, False),
        ([(1, b"x" * 100 * KB)] * 59, True),
        ([(1, b"x" * 100 * KB)] * 61, False),
    ],
)
async def test_body_must_come_at_a_pace(pieces: list[tuple[float, bytes]], is_read: bool) -> None:
    if is_read:
        assert await read(pieces) == b"".join(data for _, data in pieces)
        return
    with pytest.raises(HttpProblem) as caught:
        await read(pieces)
    assert caught.value.status == 408


async def test_client_that_leaves_is_no_error_of_the_body() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientLeft):
        await BodyReader(BodyMemory(), Clock()).read({b"content-length": b"5"}, receive, 1)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[" + b"0," * (MOST_VALUES - 2) + b"0]", False),
        (b"[" + b"0," * MOST_VALUES + b"0]", True),
        (b"[" * (MOST_VALUES + 1), True),
        (b'["' + b"," * (2 * MOST_VALUES) + b'"]', False),
        (b'["' + b'\\"[' * (2 * MOST_VALUES) + b'"]', False),
        (b'["' + b"\\\\" * (2 * MOST_VALUES) + b'",' + b"0," * MOST_VALUES + b"0]", True),
        (b'"' * (5 * MOST_VALUES), True),
    ],
)
async def test_values_are_counted_outside_of_strings(body: bytes, expected: bool) -> None:
    assert await has_too_many_values(body) is expected


@pytest.mark.parametrize("size", range(1, 12))
async def test_string_that_spans_steps_is_one_string(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "_STEP_BYTES", size)
    monkeypatch.setattr(request_body, "MOST_VALUES", 4)
    assert not await has_too_many_values(rb'{"a,,,\",,\\\",,,[[\\\\": ["b,,,,|"], "|": "]"}')
    assert await has_too_many_values(rb'{"a,,,\",,\\\",,,[[\\\\": ["b,,,,|"], "|": "]", "c": {}, "d": 1}')


async def exchange(api: RunningApi, *said: bytes | None) -> bytes:
    """Send the pieces; None waits for a response's head. Return everything that the server sends until it closes."""
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answer = b""
    try:
        async with asyncio.timeout(60):
            for each in said:
                if each is None:
                    answer += await reader.readuntil(b"\r\n\r\n")
                else:
                    writer.write(each)
                    await writer.drain()
            return answer + await reader.read()
    finally:
        writer.transport.abort()


def head(api: RunningApi, *lines: str, path: str = "/v1/chat/completions") -> bytes:
    fixed = (f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {api.key}", "Content-Type: application/json")
    return "\r\n".join((*fixed, *lines, "", "")).encode()


async def test_gzip_body_of_a_client_is_answered(api: RunningApi) -> None:
    async with api.http(**{"content-encoding": "gzip", "content-type": "application/json"}) as http:
        answer = await http.post("/v1/chat/completions", content=gzip.compress(json.dumps(CHAT).encode()))
    assert answer.status_code == 200, answer.text


async def test_body_without_end_is_408_and_closed(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "FREE_SECONDS", 0.2)
    answer = await exchange(api, head(api, "Content-Length: 100"), b"{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()


async def test_content_length_beside_transfer_encoding_is_400_and_closed(api: RunningApi) -> None:
    smuggled = b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await exchange(api, head(api, "Content-Length: 5", "Transfer-Encoding: chunked") + smuggled)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


async def test_continue_is_sent_before_a_body_that_is_taken(api: RunningApi) -> None:
    body = json.dumps(CHAT).encode()
    lines = (f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close")
    answer = await exchange(api, head(api, *lines), None, body)
    assert answer.startswith(b"HTTP/1.1 100 Continue")
    assert b"HTTP/1.1 200" in answer


async def test_no_continue_is_sent_for_a_body_that_is_refused(api: RunningApi) -> None:
    answer = await exchange(api, head(api, "Content-Length: 30000000", "Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("path", ["/v1/nothing", "/health", "/v1/models"])
async def test_refused_request_with_a_body_is_closed_unread(api: RunningApi, path: str) -> None:
    answer = await exchange(api, head(api, "Content-Length: 1000000", path=path))
    assert answer.split(b" ")[1] in {b"404", b"405"}


async def test_values_are_bounded_on_every_path(api: RunningApi) -> None:
    body: Any = b'{"name": [' + b"0," * MOST_VALUES + b"0]}"
    async with api.http() as http:
        answer = await http.post("/v1/chat/completions", content=body)
    assert (answer.status_code, "200,000" in answer.text) == (400, True)
