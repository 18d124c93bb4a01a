"""EventStream: sends an answer as server-sent events, and notices when the client disconnects."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from starlette.types import Receive, Scope, Send

from engine.chat import Event
from engine.errors import EngineError
from engine.gateway.answer import Answer
from web import errors
from web.pipeline.family import StreamEncoder
from web.pipeline.several import SeveralAnswers
from web.requests.unexpected import unexpected

log = logging.getLogger(__name__)
SILENCE_SECONDS = 8.0  # after this time without events a stream gets a comment, so that no proxy closes it
WHEN_LOST = "farthing.when_lost"
"""The ASGI extension of main/http/protocol.py: calling it sets the function that is called when the client hangs up."""

MOST_JOINED = 128
"""The most events in one write, and so the most events that a slow client is charged for before it has read them."""


class EventStream:
    """The server-sent events of one answer, after the response's start.

    `release` frees the Idempotency-Key of an answer that was not charged. An answer with a key continues to its end
    when the client disconnects, so that the client can fetch it with the key.
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
        """Send the answer. `first`: its first events, empty if it ended without any; None: they have not come yet."""
        last = await self._until_end(first)
        if self._answer.completion is None and self._release is not None:
            await self._release()
        if last is not None:
            await self._send({"type": "http.response.body", "body": last, "more_body": False})

    async def _until_end(self, first: Sequence[Event] | None) -> bytes | None:
        """Send all but the last bytes, and return those; None if the client left before anything was charged."""
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
        except Exception as error:  # noqa: BLE001 - logged there
            return encoder.error(unexpected(error, answer.question.request.id))

    async def _write(self, data: bytes) -> None:
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def _open(self) -> None:
        """Deliver reasoning immediately, unless the stream may be replayed: a replay has only the kept attempt's."""
        if self._release is None:
            self._answer.open()

    async def _next(self, seconds: float = 0.0) -> Sequence[Event]:
        """Wait for the next events; send a comment for each silence of `seconds`. Returns an empty list at the end.

        All events that have come are sent in one write.
        """
        while (events := await self._answer.next_events(MOST_JOINED, seconds)) is None:
            seconds = self._silence_seconds
            self._open()
            await self._write(self._encoder.keep_alive)
        return events


def when_gone(scope: Scope, receive: Receive, action: Callable[[], object]) -> Callable[[], object]:
    """Call `action` when the client disconnects. Calling the returned function cancels that.

    If the server lacks the extension for it, a task reads the server's messages.
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
    """Return the provider and the model that are answering; empty if none is."""
    return (answer.offer.provider, answer.offer.model) if answer.offer else ("", "")
