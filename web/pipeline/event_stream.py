"""EventStream: an answer sent as server-sent events."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.chat import Event
from engine.errors import EngineError
from engine.gateway.answer import Answer
from web import errors
from web.errors import SERVER_ERROR
from web.pipeline.family import StreamEncoder
from web.pipeline.several import SeveralAnswers

log = logging.getLogger(__name__)
SILENCE_SECONDS = 8.0  # a stream that is silent for so long gets a comment, so that no proxy closes it

MOST_JOINED = 128
"""Events that are sent in one write: a client that reads slowly has taken no more than these ahead."""


class EventStream(Response):
    """Server-sent events that own their answer: its context is left however the sending ends.

    `first` are the first events, none where the answer ended without any; None: they are still awaited.
    `must_finish`: the answer goes on to its end when the client hangs up, to be fetched by its Idempotency-Key.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        stack: AsyncExitStack,
        answer: Answer | SeveralAnswers,
        encoder: StreamEncoder,
        first: Sequence[Event] | None,
        headers: Mapping[str, str],
        *,
        must_finish: bool,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        super().__init__(headers={**headers, "cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._stack, self._answer, self._encoder = stack, answer, encoder
        self._first, self._must_finish = first, must_finish
        self._silence_seconds = silence_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        async with self._stack:
            leaving = asyncio.create_task(disconnected(receive))
            if not self._must_finish:
                leaving.add_done_callback(lambda _: self._answer.stop())
            try:
                await self._send(send)
            finally:
                leaving.cancel()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            events = await self._next(send) if self._first is None else self._first
            begin = self._encoder.begin(*_offer(self._answer))
            while events:
                await _write(send, begin + self._encoder.events(events))
                begin = b""
                events = await self._next(send, self._silence_seconds)
            await _write(send, begin)
            if self._answer.completion is None:  # the client left before anything was charged
                return
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

    async def _next(self, send: Send, seconds: float = 0.0) -> Sequence[Event]:
        """Wait for the next events, with a comment after `seconds` and for each silence; none at the end.

        All that has come is sent in one write.
        """
        while (events := await self._answer.next_events(MOST_JOINED, seconds)) is None:
            seconds = self._silence_seconds
            self._open()
            await _write(send, self._encoder.keep_alive)
        return events


async def _write(send: Send, data: bytes) -> None:
    if data:
        await send({"type": "http.response.body", "body": data, "more_body": True})


async def disconnected(receive: Receive) -> None:
    """Return when the client hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _offer(answer: Answer | SeveralAnswers) -> tuple[str, str]:
    """Return the provider and the model that answer; empty where none does."""
    return (answer.offer.provider, answer.offer.model) if answer.offer else ("", "")
