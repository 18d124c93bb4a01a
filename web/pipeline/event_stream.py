"""EventStream: an answer sent as server-sent events."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.chat import Event
from engine.errors import EngineError
from engine.gateway.answer import Answer
from web import errors
from web.errors import SERVER_ERROR
from web.pipeline.family import StreamEncoder

log = logging.getLogger(__name__)
SILENCE_SECONDS = 8.0  # a stream that is silent for so long gets a comment, so that no proxy closes it

MOST_JOINED = 128
"""Events that are sent in one write: a client that reads slowly has taken no more than these ahead."""


async def next_event(answer: Answer, seconds: float) -> tuple[Event | None, bool]:
    """Return the next event, None where the answer ends without one, and whether either came within `seconds`.

    Raises what the iteration of `answer` raises.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await anext(answer, None), True
    return None, False


class EventStream(Response):
    """Server-sent events that own their answer: its context is left however the sending ends.

    `has_begun`: `first` is the first event, or None where the answer ended without one; else it is still awaited.
    `must_finish`: the answer goes on to its end when the client hangs up, to be fetched by its Idempotency-Key.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        stack: AsyncExitStack,
        answer: Answer,
        encoder: StreamEncoder,
        first: Event | None,
        headers: Mapping[str, str],
        *,
        has_begun: bool,
        must_finish: bool,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        super().__init__(headers={**headers, "cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._stack, self._answer, self._encoder = stack, answer, encoder
        self._first, self._has_begun, self._must_finish = first, has_begun, must_finish
        self._silence_seconds = silence_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        async with self._stack:
            sending = asyncio.create_task(self._send(send))
            leaving = asyncio.create_task(disconnected(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                sending.cancel()
                await asyncio.gather(sending, leaving, return_exceptions=True)
            if self._must_finish:
                with suppress(EngineError):
                    await self._answer.whole()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if not self._has_begun:
            self._open()
            await _write(send, self._encoder.keep_alive)
        try:
            event = self._first if self._has_begun else await self._next(send)
            begin = self._encoder.begin(*_offer(self._answer))
            while event is not None:
                await _write(send, begin + self._encoded(event))
                begin = b""
                event = await self._next(send)
            await _write(send, begin)
            assert self._answer.completion is not None
            last = self._encoder.end(self._answer.completion, self._answer.charge)
        except EngineError as error:
            last = self._encoder.error(errors.from_engine(error))
        except Exception:
            log.exception("stream %s failed", self._answer.question.request.id)
            last = self._encoder.error(SERVER_ERROR)
        await send({"type": "http.response.body", "body": last, "more_body": False})

    def _open(self) -> None:
        """Have reasoning delivered, unless the stream may be replayed: it then has that of the kept attempt alone."""
        if not self._must_finish:
            self._answer.open()

    def _encoded(self, event: Event) -> bytes:
        """Return the bytes of `event`, and of those after it that have come: one write for a network read."""
        encode, ready = self._encoder.event, self._answer.take_ready(MOST_JOINED)
        return b"".join((encode(event), *map(encode, ready))) if ready else encode(event)

    async def _next(self, send: Send) -> Event | None:
        """Wait for the next event, with a comment for each silence; None at the end."""
        while True:
            event, came = await next_event(self._answer, self._silence_seconds)
            if came:
                return event
            self._open()
            await _write(send, self._encoder.keep_alive)


async def _write(send: Send, data: bytes) -> None:
    if data:
        await send({"type": "http.response.body", "body": data, "more_body": True})


async def disconnected(receive: Receive) -> None:
    """Return when the client hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _offer(answer: Answer) -> tuple[str, str]:
    """Return the provider and the model that answer; empty where none does."""
    return (answer.offer.provider, answer.offer.model) if answer.offer else ("", "")
