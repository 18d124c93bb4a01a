"""The protocol of one client connection: HTTP/1.1 with limits on heads, responses and unwanted bodies."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from main.http.connections import Connections
from main.http.request_heads import without_upgrade
from main.http.trailers import TRAILERS
from web.pipeline.event_stream import WHEN_LOST
from web.requests.body import WHOLE_BODY

HEAD_SECONDS = 10.0
LINGER_SECONDS = 2.0
LINGER_BYTES = 32 * 1024 * 1024
STALL_SECONDS = 120.0
"""How long a client may take no bytes of a response that waits for it."""
HEAD_BYTES = 64 * 1024
MOST_PIPELINED = 64
"""The most requests of one connection that may wait for the answer before them; one more closes it."""
MOST_COPIED_BYTES = 64 * 1024  # of a body, to be sent with its head
SHORT_BODY_BYTES = 64 * 1024
SHORT_BODY_SECONDS = 0.05
"""How long a request waits for its short body before it begins: most clients send it right after the head."""


class LingeringTransport(asyncio.Transport):
    """A transport whose close() first sends everything, and reads up to LINGER_BYTES for LINGER_SECONDS.

    If a socket is closed with unread bytes, it is reset, and the client may lose the response that explains the reason.
    After that the connection is aborted, so that a client that reads nothing can't hold it.
    """

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop, protocol: "BoundedProtocol") -> None:
        super().__init__()
        self._inner, self._loop, self._protocol = inner, loop, protocol
        self._timer: asyncio.TimerHandle | None = None
        self._head = b""
        # Assigned here, these methods save one call per frame.
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]
        self.resume_reading = inner.resume_reading  # type: ignore[method-assign]

    def write(self, data: bytes) -> None:  # type: ignore[override]
        """Write `data`. The head of a response waits for its body until the loop's next turn, to be sent with it."""
        if self._head:
            self._write_head(data)
        elif data.startswith(b"HTTP/1."):
            self._head = data
            self._loop.call_soon(self._write_head)
        else:
            self._inner.write(data)

    def _write_head(self, body: bytes = b"") -> None:
        head, self._head = self._head, b""
        if (head or body) and not self._inner.is_closing():
            self._inner.writelines((head, body)) if len(body) > MOST_COPIED_BYTES else self._inner.write(head + body)

    @property
    def is_lingering(self) -> bool:
        return self._timer is not None

    def is_closing(self) -> bool:
        return self.is_lingering or self._inner.is_closing()

    def pause_reading(self) -> None:
        if not self.is_closing():
            self._inner.pause_reading()

    def close(self) -> None:
        self._write_head()
        if self.is_closing():
            self._inner.close()
            return
        if not self._protocol.body_is_expected and not self._inner.get_write_buffer_size():
            self._inner.close()
            return
        self._timer = self._loop.call_later(LINGER_SECONDS, self.abort)
        self._protocol.flow.resume_reading()
        self._inner.write_eof()

    def abort(self) -> None:
        self._head = b""
        if self._timer is not None:
            self._timer.cancel()
        self._inner.abort()


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with limits: HEAD_BYTES and HEAD_SECONDS for a head, STALL_SECONDS for a client that does not read.

    The unread rest of a request that was already answered is discarded. Of further requests and trailers at most about
    HEAD_BYTES are read before an answer has ended.
    """

    _head_bytes = _bytes_ahead = 0
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _discarded = 0
    _is_lost = False
    _unbegun: tuple[RequestResponseCycle, Any, asyncio.TimerHandle] | None = None
    _lost_action: Callable[[], object] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(LingeringTransport(transport, self.loop, self))
        self._start_head_timer()
        self._all.add(self)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            self._discarded += len(data)
            if self._discarded > LINGER_BYTES:
                self.abort()
            return
        if not self._is_at_work():
            self._head_bytes += len(data)
            if b"pgrade" in data or b"PGRADE" in data:
                data = without_upgrade(data)
        else:
            self._bytes_ahead += len(data)
        super().data_received(data)
        if self._is_at_work():
            self._head_bytes = 0
            if self._bytes_ahead > HEAD_BYTES:
                self.flow.pause_reading()
        elif self._head_bytes > HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        self._update()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._bytes_ahead = 0

    def on_headers_complete(self) -> None:
        """Begin the request. Raises ValueError, which becomes a 400, unless it has one Host header (RFC 9112, 3.2)."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError("the request must have exactly one Host header")
        if len(self.pipeline) >= MOST_PIPELINED:
            self.abort()
            raise ValueError("too many requests wait for the one before")
        super().on_headers_complete()
        self.headers = TRAILERS

    def _unsupported_upgrade_warning(self) -> None:
        """Close the connection after the answer: the parser has skipped the body, and could read it as a request."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin the request. If its body is short, wait until the body has come, for up to SHORT_BODY_SECONDS."""
        if cycle.more_body and not cycle.waiting_for_100_continue and _has_short_body(cycle.scope["headers"]):
            self._unbegun = cycle, app, self.loop.call_later(SHORT_BODY_SECONDS, self._begin)
        else:
            super()._start_asgi_task(cycle, app)

    def _begin(self) -> None:
        if self._unbegun is not None:
            cycle, app, timer = self._unbegun
            self._unbegun = None
            timer.cancel()
            super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """Begin a request whose short body is complete, so that the app need not wait for it."""
        super().on_message_complete()
        extensions: dict[str, Any] = {WHEN_LOST: self._when_lost}
        if 0 < len(self.cycle.body) <= SHORT_BODY_BYTES:
            extensions[WHOLE_BODY] = bytes(self.cycle.body)
        self.scope["extensions"] = extensions
        self._begin()

    def _when_lost(self, action: Callable[[], object] | None) -> None:
        """Call `action` when the client disconnects. It replaces an earlier action."""
        self._lost_action = action
        if action is not None and self._is_lost:
            self.loop.call_soon(action)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._bytes_ahead = 0
        if self.pipeline:
            self.flow.pause_reading()  # otherwise each response would read a further block of requests
        if not self._is_at_work():
            self._all.at_rest(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.remove(self)
        self._stop_head_timer()
        self._stop_stall_timer()
        self._unset_keepalive_if_required()
        self.transport.abort()  # stops its timer
        super().connection_lost(exc)
        self._is_lost = True
        if self._unbegun is not None:
            self._unbegun[2].cancel()
            self._unbegun = None
        if self._lost_action is not None:
            self._lost_action()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._all.stalled(self)
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALL_SECONDS, self.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._all.read_on(self)
        self._stop_stall_timer()

    def timeout_keep_alive_handler(self) -> None:
        self.abort()

    def abort(self) -> None:
        """Close the connection at once; bytes that the client has not read are lost."""
        self.transport.abort()

    @property
    def body_is_expected(self) -> bool:
        """Return True if the client may still be sending the body of a request."""
        return self.cycle is not None and self.cycle.more_body

    @property
    def _all(self) -> Connections:
        return cast("ServerConfig", self.config).connections

    def _is_at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _update(self) -> None:
        """Start the timer at the first byte of a head; further bytes of the same head do not restart it."""
        if self._is_at_work():
            self._stop_head_timer()
            self._all.at_work(self)
        elif self._head_timer is None:
            self._start_head_timer()

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.abort)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


def _has_short_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return True if the head announces a body of at most SHORT_BODY_BYTES."""
    length = next((value for name, value in headers if name == b"content-length"), b"")
    return length.isdigit() and 0 < int(length[:10]) <= SHORT_BODY_BYTES and len(length) <= len("65536")


class ServerConfig(uvicorn.Config):
    """uvicorn's settings, plus the connections shared by all protocols of one server."""

    def __init__(self, app: ASGIApp, connections: Connections, **settings: Any) -> None:
        super().__init__(app, **settings)
        self.connections = connections
