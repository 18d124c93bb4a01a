"""Bodies of a hostile or broken provider: none blocks the event loop, grows without limit or counts as an answer."""

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import pytest

from engine.chat import ChatRequest, Role, says
from engine.errors import Garbled, ProviderError, StreamCut
from engine.ports import ProviderCall
from engine.providers import sse
from engine.providers.registry import build
from engine.providers.spec import Spec
from engine.providers.sse import MOST_ELEMENTS, MOST_FRAME_CHARS, MOST_FRAMES
from tests.engine.providers.reading import ChunkSink
from tests.processor_time import TRIES, unit_seconds

LONGEST_STEP = 30.0  # units of processor time
GZIP = "content-encoding: gzip\r\n"
BIG = 3_000_000
ONE = b'{"choices":[{"delta":{"content":"a"}}]}'


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 9)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


class LoopSteps:
    """Measures the event loop's longest step, in processor time of its thread, so that other processes don't matter."""

    def __init__(self) -> None:
        self._unit, self._longest_seconds = unit_seconds(), 0.0
        self._last = time.thread_time()
        self._beat()

    def _beat(self) -> None:
        now = time.thread_time()
        self._longest_seconds = max(self._longest_seconds, now - self._last)
        self._last = now
        self._timer = asyncio.get_running_loop().call_later(0.001, self._beat)

    def stop(self) -> float:
        self._timer.cancel()
        return self._longest_seconds / max(self._unit, unit_seconds())


@asynccontextmanager
async def serving(head: str, parts: Iterable[bytes], status: str = "200 OK") -> AsyncIterator[str]:
    """Serve the same answer to every request until its connection is closed. Yields the base URL."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status}\r\ncontent-type: text/event-stream\r\n{head}\r\n".encode())
            for part in parts:
                writer.write(part)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def asked(url: str, dialect: str = "openai") -> tuple[ProviderError | None, int, float]:
    """Ask a provider. Return the error, the number of chunks, and the longest step of the event loop.

    Asks again while a step is too long: a pause of the machine does not repeat, a fault does.
    """
    for _ in range(TRIES):
        answer = await _asked_once(url, dialect)
        if answer[2] < LONGEST_STEP:
            break
    return answer


async def _asked_once(url: str, dialect: str) -> tuple[ProviderError | None, int, float]:
    provider = build(Spec("hostile", url, dialect), keys=("k",), base_url=url)
    call = ProviderCall(ChatRequest("r", "m", (says(Role.USER, "hi"),)), "m", 100)
    sink, failed, steps = ChunkSink(), None, LoopSteps()
    try:
        await provider.stream(call, sink)
    except ProviderError as error:
        failed = error
    finally:
        longest = steps.stop()
        await provider.aclose()
    return failed, len(sink.chunks), longest


BODIES: dict[str, Callable[[], bytes]] = {
    "blank lines within bare JSON": lambda: b'{"choices": [\n' + b"\n" * 7_000_000,
    "blank lines before everything": lambda: b"\n" * BIG,
    "bare JSON on a million lines": lambda: b"[\n" + b"1,\n" * (BIG // 3),
    "an array of empty objects": lambda: b"[" + b"{}," * (BIG // 3) + b"{}]",
    "an array of small frames": lambda: b"[" + b",".join([ONE] * (MOST_ELEMENTS + 1)) + b"]",
    "deep nesting": lambda: b'{"choices": ' + nested(BIG // 2) + b"}",
    "an open string": lambda: b'{"choices": "' + b"x" * BIG,
    "escapes without an end": lambda: b'{"choices": "' + b'\\"' * (BIG // 2),
    "an endless line": lambda: b"data: " + b"x" * (MOST_FRAME_CHARS + 1),
    "an endless frame of empty lines": lambda: b"data:\n" * (MOST_FRAME_CHARS + 1),
    "an endless frame of lines": lambda: b"data: xxxxxxxxxxxxxx\n" * (BIG // 10),
    "a frame with millions of values": lambda: b"data: [" + b"{}," * (BIG // 3) + b"{}]\n\n",
    "a frame of deep nesting": lambda: b"data: " + nested(BIG // 2) + b"\n\n",
    "a frame nested deeper than Python's stack": lambda: b'data: {"choices": ' + nested(2000) + b"}\n\n",
    "a number of a million digits": lambda: b'data: {"usage": {"prompt_tokens": ' + b"9" * 1_000_000 + b"}}\n\n",
    "a decimal of a million digits": lambda: b'data: {"usage": {"cost": 0.' + b"9" * 1_000_000 + b"}}\n\n",
    "numbers that are none": lambda: b'data: {"usage": {"prompt_tokens": NaN, "completion_tokens": -Infinity}}\n\n',
    "a number with a vast exponent": lambda: b'data: {"usage": {"cost": 1e999999999, "prompt_tokens": 1e400}}\n\n',
    "invalid UTF-8": lambda: b"data: \xff\xfe\xf0\x9f\n\n" * 100_000,
    "comments without an end": lambda: b": ping\n\n" * (BIG // 8),
    "events without data": lambda: b"event: x\n\n" * (BIG // 10),
    "carriage returns": lambda: b"\r" * BIG,
}


OF_EACH_DIALECT = [
    (name, dialect)
    for name in BODIES
    for dialect in ("gemini", "anthropic")
    if name.startswith(("a number", "numbers", "deep"))
]


@pytest.mark.parametrize(("name", "dialect"), [*((name, "openai") for name in BODIES), *OF_EACH_DIALECT])
async def test_hostile_body_fails_and_never_stops_the_loop(name: str, dialect: str) -> None:
    async with serving("", [BODIES[name]()]) as url:
        error, _, longest = await asked(url, dialect)
    assert isinstance(error, ProviderError)
    assert longest < LONGEST_STEP


async def test_millions_of_tiny_frames_in_one_read_are_cut_off() -> None:
    async with serving("", [b"data: " + ONE + b"\n\n" + b"data:{}\n\n" * MOST_FRAMES]) as url:
        error, chunks, longest = await asked(url)
    assert isinstance(error, Garbled)
    assert "frames" in error.detail
    assert chunks == 1
    assert longest < LONGEST_STEP


async def test_stream_without_an_end_is_cut_off_at_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_FRAMES", 20_000)
    frame = b"data: " + ONE + b"\n\n"

    def endless() -> Iterable[bytes]:
        while True:
            yield frame * 300

    async with serving("", endless()) as url:
        error, chunks, longest = await asked(url)
    assert isinstance(error, Garbled)
    assert 15_000 < chunks <= 20_000
    assert longest < LONGEST_STEP


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (GZIP, lambda: gzipped(b"[" + b"{}," * (BIG // 3) + b"{}]")),
        (GZIP, lambda: gzipped(b"data: " + b"x" * 50_000_000)),
        (GZIP, lambda: gzipped(b"\n" * 100_000_000)),
        (GZIP, lambda: gzipped(b": ping\n\n" * 5_000_000)),
        ("content-encoding: deflate\r\n", lambda: zlib.compress(b"x" * 50_000_000, 9)),
        ("content-encoding: gzip, gzip\r\n", lambda: gzipped(gzipped(b"\n" * 10_000_000))),
        ("content-encoding: br\r\n", lambda: b"\x00" * 1000),
        ("content-encoding: zstd\r\n", lambda: b"\x00" * 1000),
        (GZIP, lambda: b"no gzip at all"),
        (GZIP, lambda: gzipped(b"")[:10] + b"\xff" * 1_000_000),
    ],
    ids=["array", "line", "blank", "comments", "deflate", "twice", "br", "zstd", "not packed", "damaged"],
)
async def test_compressed_bomb_is_garbled(head: str, body: Callable[[], bytes]) -> None:
    async with serving(head, [body()]) as url:
        error, chunks, longest = await asked(url)
    assert isinstance(error, Garbled)
    assert chunks == 0
    assert longest < LONGEST_STEP


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, lambda data: zlib.compress(data, wbits=-15)])
async def test_compressed_answer_is_read_whole(pack: object) -> None:
    answer = b"data: " + ONE + b"\n\n"
    body = answer * 3000 + b'data: {"choices":[{"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    encoding = "gzip" if pack is gzip.compress else "deflate"
    assert callable(pack)
    async with serving(f"content-encoding: {encoding}\r\n", [pack(body)]) as url:
        error, chunks, _ = await asked(url)
    assert (error, chunks) == (None, 3001)


async def test_compressed_answer_that_is_cut_off_is_no_answer() -> None:
    async with serving(GZIP, [gzipped(b"data: " + ONE + b"\n\n")[:-12]]) as url:
        error, _, _ = await asked(url)
    assert isinstance(error, StreamCut | Garbled)


@pytest.mark.parametrize("head", ["", GZIP])
async def test_error_body_without_an_end_is_read_in_part(head: str) -> None:
    body = json.dumps({"error": {"message": "x" * 5_000_000, "code": "c"}}).encode()
    async with serving(head, [gzipped(body) if head else body], status="503 Busy") as url:
        error, _, longest = await asked(url)
    assert isinstance(error, ProviderError)
    assert len(error.detail) < 1000
    assert longest < LONGEST_STEP


async def test_probe_reads_no_more_than_the_beginning_of_a_body() -> None:
    sent = 0

    def endless() -> Iterable[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    async with serving("", endless()) as url:
        provider = build(Spec("hostile", url), keys=("k",), base_url=url)
        await provider.probe()
        await provider.aclose()
    assert sent < 20_000_000
