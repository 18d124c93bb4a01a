"""EventStream: an answer sent as server-sent events; and the end of the client's connection, where it comes first."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

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
WHEN_LOST = "farthing.when_lost"
"""The ASGI extension of main/http/protocol.py: calling it sets the function that is called when the client hangs up."""

MOST_JOINED = 128
"""Events that are sent in one write: a client that reads slowly has taken no more than these ahead."""


class EventStream:
    """Server-sent events of one answer, after the response's start.

    `release`: frees the Idempotency-Key of an answer that was not charged. With one the answer goes on to its end when
    the client hangs up, to be fetched by its key.
    """

    __slots__ = ("_answer", "_encoder", "_release", "_send", "_silence_seconds")

    def __init__(
        self,
        answer: Answer | SeveralAnswers,
        encoder: StreamEncoder,
        send: Send,
        *,
        release: Callable[[], Awaitable[None]] | None = None,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._answer, self._encoder, self._send = answer, encoder, send
        self._release, self._silence_seconds = release, silence_seconds

    async def run(self, first: Sequence[Event] | None) -> None:
        """Send the answer. `first`: its first events, none where it ended without any; None: still awaited."""
        last = await self._until_end(first)
        if self._answer.completion is None and self._release is not None:
            await self._release()
        if last is not None:
            await self._send({"type": "http.response.body", "body": last, "more_body": False})

    async def _until_end(self, first: Sequence[Event] | None) -> bytes | None:
        """Send all but the last bytes, and return these; None where the client left before anything was charged."""
        encoder, answer = self._encoder, self._answer
        try:
            events = await self._next() if first is None else first
            begin = encoder.begin(*_offer(answer))
            while events:
                await self._write(begin + encoder.events(events))
                begin = b""
                events = await self._next(self._silence_seconds)
            await self._write(begin)
            return None if answer.completion is None else encoder.end(answer.completion, answer.charge)
        except EngineError as error:
            return encoder.error(errors.from_engine(error))
        except Exception:
            log.exception("stream %s failed", answer.question.request.id)
            return encoder.error(SERVER_ERROR)

    async def _write(self, data: bytes) -> None:
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def _open(self) -> None:
        """Have reasoning delivered, unless the stream may be replayed: it then has that of the kept attempt alone."""
        if self._release is None:
            self._answer.open()

    async def _next(self, seconds: float = 0.0) -> Sequence[Event]:
        """Wait for the next events, with a comment after `seconds` and for each silence; none at the end.

        All that has come is sent in one write.
        """
        while (events := await self._answer.next_events(MOST_JOINED, seconds)) is None:
            seconds = self._silence_seconds
            self._open()
            await self._write(self._encoder.keep_alive)
        return events


def when_gone(scope: Scope, receive: Receive, action: Callable[[], object]) -> Callable[[], object]:
    """Have `action` called when the client hangs up; the returned function ends that.

    A server without the extension is asked for its messages by a task.
    """
    when_lost: Callable[[Callable[[], object] | None], object] | None = scope.get("extensions", {}).get(WHEN_LOST)
    if when_lost is not None:
        when_lost(action)
        return lambda: when_lost(None)
    leaving = asyncio.create_task(_disconnected(receive))
    leaving.add_done_callback(lambda _: action())
    return leaving.cancel


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _offer(answer: Answer | SeveralAnswers) -> tuple[str, str]:
    """Return the provider and the model that answer; empty where none does."""
    return (answer.offer.provider, answer.offer.model) if answer.offer else ("", "")
