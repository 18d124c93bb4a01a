"""An answer on its way: at the pace of words, until its end or until somebody pulls the plug."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator

from starlette.responses import StreamingResponse
from starlette.types import Send

from sandbox.providers.asked import StandInFrame
from sandbox.providers.dialects import Dialect
from sandbox.providers.switches import StandIn

CUT_AFTER_WORDS = 8
_END_MARKERS = (b"data: [DONE]", b"event: message_stop")
_SILENT = {"slow", "keepalive_only"}
_BREATH_SECONDS = 1.0


class PlugPulled(Exception):
    """The connection breaks here."""


class Breakable(StreamingResponse):
    """A response whose connection breaks when its content raises PlugPulled."""

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except PlugPulled:
            return  # the server closes what was not ended


class _BreaksAreMeant(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "without completing response" not in record.getMessage()


BREAKS_ARE_MEANT = _BreaksAreMeant()  # else uvicorn logs an error for every plug that is pulled


async def stream(
    found: StandIn, dialect: Dialect, frames: list[StandInFrame], pace: Callable[[], float], slow_seconds: float
) -> AsyncIterator[bytes]:
    """`frames` as `found` sends them by its switch of each moment, `pace()` seconds a word. Raises PlugPulled."""
    async for comment in silence(found, slow_seconds, dialect.comment):
        yield comment
    breaks_at = min(CUT_AFTER_WORDS, sum(frame.word for frame in frames) // 2)
    said = 0
    for frame in frames:
        if found.mode == "down" or (found.mode == "cut" and said >= breaks_at):
            raise PlugPulled
        if found.mode == "stream_error" and said >= breaks_at:
            for last in dialect.broken():
                yield last
            return
        if found.mode == "stall" and said >= breaks_at:
            await found.rest(slow_seconds)
            raise PlugPulled
        if found.mode == "malformed" and said == breaks_at and frame.word:
            yield b'data: {"choices": [{"delta": {"conte\n\n'
        if found.mode == "no_done" and any(mark in frame.data for mark in _END_MARKERS):
            continue
        yield frame.data
        if frame.word:
            said += 1
            await found.rest(pace())


async def whole(found: StandIn, body: object, slow_seconds: float) -> AsyncIterator[bytes]:
    """A body in one piece, after blank lines where the provider sends those. Raises PlugPulled."""
    async for _ in silence(found, slow_seconds, b"\n"):
        yield b"\n" if found.name == "deepseek" else b""
    text = json.dumps(body, ensure_ascii=False).encode()
    if found.mode in {"cut", "stream_error"}:
        yield text[: len(text) // 2]
    if found.mode in {"cut", "stream_error", "down"}:
        raise PlugPulled
    yield text


async def array(frames: Iterator[StandInFrame]) -> AsyncIterator[bytes]:
    """What a stream looks like to who didn't ask for events: one JSON array."""
    yield b"[" + b",\r\n".join(frame.data[len(b"data: ") :].strip() for frame in frames) + b"]"


async def silence(found: StandIn, most_seconds: float, comment: bytes) -> AsyncIterator[bytes]:
    """No word for so long, or until the switch is moved; `comment` once a second, if there is one."""
    waited = 0.0
    while found.mode in _SILENT and (waited < most_seconds or found.mode == "keepalive_only"):
        yield comment or (b": keep-alive\n\n" if found.mode == "keepalive_only" else b"")
        await found.rest(_BREATH_SECONDS)
        waited += _BREATH_SECONDS
