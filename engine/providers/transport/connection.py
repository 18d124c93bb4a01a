"""ProviderConnection: one HTTP/1.1 connection to a provider, for consecutive requests.

Each network read is passed to the receiver at once, without a task of its own.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

import httptools

from engine.chat import ReadPace
from engine.errors import Garbled, StreamCut
from engine.providers.inflate import MOST_BODY_BYTES, SLICE_BYTES, Inflater, inflater_of
from engine.providers.transport.receiver import Receiver

BUSY_SECONDS = 0.005  # longest time of passing on received pieces before the event loop runs
END_SECONDS = 0.25  # longest wait for the end of a body that its receiver no longer needs
MOST_END_BYTES = 64_000
_MOST_HEAD_BYTES = 64_000
_INFORMATIONAL = range(100, 200)
_LOST = "the connection was lost"


Told: TypeAlias = "Callable[[ProviderConnection], None]"


class ProviderConnection(asyncio.Protocol):
    """A connection that carries one exchange at a time.

    After an exchange it is idle, closing, or reads the rest of the body for END_SECONDS. `idle` is called when it can
    take the next request, `lost` when it is closed.
    """

    def __init__(self, idle: Told, lost: Told) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle, self._lost = idle, lost
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # called for each chunk of the body; the parser looks it up once, now
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._receiver: Receiver | None = None
        self._done: asyncio.Future[None] | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._is_paused = self._is_whole = False
        self._reads = self._end_bytes = 0
        self._waiting = deque[Iterator[bytes]]()
        self.idle_since = 0.0

    # --- asyncio's protocol ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._pass_on()  # the data before the error
            self._fail(StreamCut("a response that is no HTTP"))
            return
        if self._receiver is None:
            self._read_end(len(data))
        else:
            self._count_head(len(data))
            self._pass_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._lost(self)
        if self._end_timer is not None:
            self._end_timer.cancel()
        if self._receiver is None:
            return
        if self._has_head and not self._has_length:
            self._is_whole = True  # the end of the connection is the end of the body
        if not self._is_whole:
            self._fail(StreamCut(_LOST))
        elif not self._waiting:
            self._pass_on()

    # --- httptools' protocol; the receiver is called once the parser has returned ---------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() in _INFORMATIONAL:
            self._headers = {}
            return
        self._has_head, self._status = True, self._parser.get_status_code()
        self._keeps_alive = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        self._is_whole = self._has_head

    # --- one exchange --------------------------------------------------------------------------------

    async def exchange(self, request: bytes, receiver: Receiver, pace: ReadPace) -> None:
        """Send `request`; return at the end, or when the receiver needs no more.

        Raises StreamCut, Garbled, and its errors.
        """
        self._begin(receiver, pace)
        self._done = done = self._loop.create_future()
        self._transport.write(request)
        try:
            await done
        finally:
            if self._done is done and self._receiver is not None:  # the exchange failed, or its caller was cancelled
                self._receiver = None
                self.close()

    def _begin(self, receiver: Receiver, pace: ReadPace) -> None:
        self._receiver, self._pace, self._sent_seconds = receiver, pace, self._loop.time()
        self._headers = {}
        self._has_head = self._is_announced = self._is_whole = self._keeps_alive = False
        self._status = self._reads = self._head_bytes = self._body_bytes = 0
        self._inflater: Inflater | None = None

    def close(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    @property
    def _has_length(self) -> bool:
        return "content-length" in self._headers or "transfer-encoding" in self._headers

    def _count_head(self, size: int) -> None:
        if not self._has_head:
            self._head_bytes += size
            if self._head_bytes > _MOST_HEAD_BYTES:
                self._fail(Garbled("a head without an end"))

    def _fail(self, error: BaseException) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
        self.close()

    def _pass_on(self) -> None:
        """Pass on all received pieces. If that takes long, the event loop runs in between."""
        receiver, done = self._receiver, self._done
        if receiver is None or done is None or done.done() or not self._has_head:
            return
        try:
            if not self._is_announced:
                self._is_announced = True
                receiver.head(self._status, self._headers)
                self._inflater = inflater_of(self._headers) if "content-encoding" in self._headers else None
            if self._feed(receiver):
                self._complete(done)
            elif not self._waiting and self._is_whole:
                receiver.end()
                self._complete(done)
            elif not self._waiting and self._pace.pause_seconds:
                self._keep_pace(receiver)
        except Exception as error:  # noqa: BLE001 - the caller of the exchange gets it
            self._fail(error)

    def _keep_pace(self, receiver: Receiver) -> None:
        self._reads += receiver.has_begun
        seconds = self._pace.pause(self._reads, self._loop.time() - self._sent_seconds)
        if seconds:
            self._pause()
            self._loop.call_later(seconds, self._resume)

    def _feed(self, receiver: Receiver) -> bool:
        """Pass on the pieces that have come; return True if the receiver needs no more.

        They are passed on in slices of limited work. After BUSY_SECONDS the event loop runs in between.
        """
        busy_until, pieces = self._loop.time() + BUSY_SECONDS, self._pieces
        body = b"" if not pieces else pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if not self._waiting and self._inflater is None and len(body) <= SLICE_BYTES:
            if body and self._is_enough(body, receiver):
                return True
            if self._loop.time() > busy_until:
                self._pause()
                self._loop.call_soon(self._resume)
            return False
        if body:
            self._waiting.append(self._slices(body))
        return self._feed_slices(receiver, busy_until)

    def _slices(self, body: bytes) -> Iterator[bytes]:
        if self._inflater is not None:
            return self._inflater.feed(body)
        return (body[at : at + SLICE_BYTES] for at in range(0, len(body), SLICE_BYTES))

    def _feed_slices(self, receiver: Receiver, busy_until: float) -> bool:
        while self._waiting:
            for piece in self._waiting[0]:
                if self._is_enough(piece, receiver):
                    return True
                if self._loop.time() > busy_until:
                    self._pause()
                    self._loop.call_soon(self._resume)
                    return False
            self._waiting.popleft()
        return False

    def _is_enough(self, piece: bytes, receiver: Receiver) -> bool:
        """Pass on one piece; return True if the receiver needs no more."""
        self._body_bytes += len(piece)
        if self._body_bytes > MOST_BODY_BYTES:
            raise Garbled("a body without an end")
        return receiver.feed(piece)

    def _pause(self) -> None:
        """Stop reading, so that the event loop is not woken for each packet; the kernel buffers the packets."""
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._receiver is not None and self._waiting:
            self._pass_on()
        if self._is_paused and not self._waiting and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    # --- after it --------------------------------------------------------------------------------------

    def _complete(self, done: "asyncio.Future[None]") -> None:
        """End the exchange. If the body has not ended, read on for END_SECONDS so that the connection can be reused."""
        self._receiver = None
        self._waiting.clear()
        done.set_result(None)
        self._resume()
        if self._is_whole:
            self._rest()
        elif self._keeps_alive:
            self._end_bytes = 0
            self._end_timer = self._loop.call_later(END_SECONDS, self.close)
        else:
            self.close()

    def _read_end(self, size: int) -> None:
        """Read on to the end of the body. Bytes that belong to no request close the connection."""
        self._pieces.clear()
        self._end_bytes += size
        if self._end_timer is None or self._end_bytes > MOST_END_BYTES:
            self.close()
        elif self._is_whole:
            self._end_timer.cancel()
            self._end_timer = None
            self._rest()

    def _rest(self) -> None:
        if self._keeps_alive and self.is_open:
            self.idle_since = self._loop.time()
            self._idle(self)
        else:
            self.close()
