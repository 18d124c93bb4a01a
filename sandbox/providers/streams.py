"""Sends an answer word by word, with the faults of the stand-in's mode."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator

from starlette.responses import StreamingResponse
from starlette.types import Send

from sandbox.providers.exchange import StandInFrame
from sandbox.providers.stand_in import StandIn

CUT_AFTER_WORDS = 8
_END_MARKERS = (b"data: [DONE]", b"event: message_stop")
_SILENT = {"slow", "keepalive_only"}
_COMMENT_SECONDS = 1.0


class ConnectionBroken(Exception):
    """The connection is to be closed here, before the end of the answer."""


class Breakable(StreamingResponse):
    """A response whose connection is closed when its content raises ConnectionBroken."""

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except ConnectionBroken:
            return  # the server closes a response that did not end


class _IgnoreBreaks(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "without completing response" not in record.getMessage()


IGNORE_BREAKS = _IgnoreBreaks()  # uvicorn logs an error for each broken connection


async def stream(
    found: StandIn, frames: list[StandInFrame], pace: Callable[[], float], slow_seconds: float
) -> AsyncIterator[bytes]:
    """Yield the frames as the current mode allows, `pace()` seconds per word. Raises ConnectionBroken."""
    async for comment in silence(found, slow_seconds, found.provider.keep_alive):
        yield comment
    breaks_at = min(CUT_AFTER_WORDS, sum(frame.word for frame in frames) // 2)
    sent = 0
    for frame in frames:
        if found.mode == "down" or (found.mode == "cut" and sent >= breaks_at):
            raise ConnectionBroken
        if found.mode == "stream_error" and sent >= breaks_at:
            for last in found.provider.broken():
                yield last
            return
        if found.mode == "stall" and sent >= breaks_at:
            await found.rest(slow_seconds)
            raise ConnectionBroken
        if found.mode == "malformed" and sent == breaks_at and frame.word:
            yield b'data: {"choices": [{"delta": {"conte\n\n'
        if found.mode == "no_done" and any(mark in frame.data for mark in _END_MARKERS):
            continue
        yield frame.data
        if frame.word:
            sent += 1
            await found.rest(pace())


async def whole(found: StandIn, body: object, slow_seconds: float) -> AsyncIterator[bytes]:
    """Yield a body in one piece, after blank lines if the provider sends those. Raises ConnectionBroken."""
    async for _ in silence(found, slow_seconds, b"\n"):
        yield b"\n" if found.provider.blank_lines else b""
    text = json.dumps(body, ensure_ascii=False).encode()
    if found.mode in {"cut", "stream_error"}:
        yield text[: len(text) // 2]
    if found.mode in {"cut", "stream_error", "down"}:
        raise ConnectionBroken
    yield text


async def array(frames: Iterator[StandInFrame]) -> AsyncIterator[bytes]:
    """Yield a stream as one JSON array, for a caller that did not request events."""
    yield b"[" + b",\r\n".join(frame.data[len(b"data: ") :].strip() for frame in frames) + b"]"


async def silence(found: StandIn, most_seconds: float, comment: bytes) -> AsyncIterator[bytes]:
    """Send no word for this time, or until the mode changes. Yield `comment` once a second, if there is one."""
    waited = 0.0
    while found.mode in _SILENT and (waited < most_seconds or found.mode == "keepalive_only"):
        yield comment or (b": keep-alive\n\n" if found.mode == "keepalive_only" else b"")
        await found.rest(_COMMENT_SECONDS)
        waited += _COMMENT_SECONDS
