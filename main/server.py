"""The uvicorn server: HTTP/1.1 with bounded connections, time limits, and no signal handling of its own."""

import asyncio
import contextlib
import resource
from collections.abc import Iterator
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SHUTDOWN_SECONDS = 3
KEEP_ALIVE_SECONDS = 30
HEAD_SECONDS = 10.0
LINGER_SECONDS = 2.0
LINGER_BYTES = 32 * 1024 * 1024
STALL_SECONDS = 120.0
"""How long a client may take no bytes of a response that waits for it."""
HEAD_BYTES = 64 * 1024
MOST_CONNECTIONS, LEAST_CONNECTIONS = 10_000, 32
MOST_WAITING = 2048
"""Connections that the kernel holds until they are accepted; asyncio accepts as many in one turn of its loop."""
OTHER_FILES = 128
"""Files for the database, logs and the like."""
_MOST_FILES = 1_048_576  # Linux's own bound, for a hard limit of infinity


class Server(uvicorn.Server):
    """uvicorn without signal handlers: main/lifecycle.py stops the parts in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Connections:
    """The client connections of this process, at most `most`.

    One more closes the oldest that waits for a request: first those that have not sent a whole head yet, then idle
    ones. Where all are at work, the new connection itself is closed.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: set[BoundedProtocol] = set()
        self._new: dict[BoundedProtocol, None] = {}  # dicts keep the order of insertion
        self._idle: dict[BoundedProtocol, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: "BoundedProtocol") -> None:
        self._open.add(connection)
        self._new[connection] = None
        if len(self._open) > self.most:
            oldest = self._oldest_waiting(connection)
            self.remove(oldest)  # now, not when it is lost: the next one must close another
            oldest.abort()

    def at_work(self, connection: "BoundedProtocol") -> None:
        self._new.pop(connection, None)
        self._idle.pop(connection, None)

    def at_rest(self, connection: "BoundedProtocol") -> None:
        if connection in self._open:
            self._idle[connection] = None

    def remove(self, connection: "BoundedProtocol") -> None:
        self.at_work(connection)
        self._open.discard(connection)

    def _oldest_waiting(self, newest: "BoundedProtocol") -> "BoundedProtocol":
        oldest = next(iter(self._new))
        return oldest if oldest is not newest else next(iter(self._idle), newest)


class LingeringTransport(asyncio.Transport):
    """A transport whose close() first sends everything, and takes what still comes for LINGER_SECONDS or LINGER_BYTES.

    A socket that is closed with unread bytes is reset, and the client may lose the response that says why. Afterwards
    the connection is aborted: a client that reads nothing can't hold it.
    """

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop, protocol: "BoundedProtocol") -> None:
        super().__init__()
        self._inner, self._loop, self._protocol = inner, loop, protocol
        self._timer: asyncio.TimerHandle | None = None
        # Bound here, these methods cost no further call for each frame.
        self.write = inner.write  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]
        self.resume_reading = inner.resume_reading  # type: ignore[method-assign]

    @property
    def is_lingering(self) -> bool:
        return self._timer is not None

    def is_closing(self) -> bool:
        return self.is_lingering or self._inner.is_closing()

    def pause_reading(self) -> None:
        if not self.is_closing():
            self._inner.pause_reading()

    def close(self) -> None:
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
        if self._timer is not None:
            self._timer.cancel()
        self._inner.abort()


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with limits: HEAD_BYTES and HEAD_SECONDS for a head, STALL_SECONDS without reading a response.

    The rest of a request that was answered before it was read is discarded.
    """

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _discarded = 0

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
        super().data_received(data)
        if self._is_at_work():
            self._head_bytes = 0
        elif self._head_bytes > HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        self._update()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_at_work():
            self._all.at_rest(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.remove(self)
        self._stop_head_timer()
        self._stop_stall_timer()
        self._unset_keepalive_if_required()
        self.transport.abort()  # stops its timer
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALL_SECONDS, self.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_stall_timer()

    def timeout_keep_alive_handler(self) -> None:
        self.abort()

    def abort(self) -> None:
        """Close the connection at once; bytes that the client has not taken are lost."""
        self.transport.abort()

    @property
    def body_is_expected(self) -> bool:
        """Return True where the client may still be sending the body of a request."""
        return self.cycle is not None and self.cycle.more_body

    @property
    def _all(self) -> Connections:
        return cast("ServerConfig", self.config).connections

    def _is_at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _update(self) -> None:
        """Start the timer with the first byte of a head; further bytes of the same head do not restart it."""
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


class ServerConfig(uvicorn.Config):
    """uvicorn's settings, and the connections that all protocols of one server share."""

    def __init__(self, app: ASGIApp, connections: Connections, **settings: Any) -> None:
        super().__init__(app, **settings)
        self.connections = connections


def http_server(app: ASGIApp, host: str, port: int, *, most_connections: int | None = None) -> Server:
    """Return a server for `app`, with a share of the process's open files. X-Forwarded-For is not trusted."""
    most = share_of_connections(raise_file_limit()) if most_connections is None else most_connections
    config = ServerConfig(
        app,
        Connections(most),
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        backlog=min(MOST_WAITING, max(1, most // 4)),
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    return Server(config)


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; return the limit that then holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else hard
    if soft in (resource.RLIM_INFINITY, wanted):
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS refuses more than its own bound
        return soft
    return wanted


def share_of_connections(files: int) -> int:
    """Return the client connections for a limit of open files: each may need a second one, to a provider."""
    return min(MOST_CONNECTIONS, max(LEAST_CONNECTIONS, (files - OTHER_FILES) // 2))


async def run_server(server: Server) -> None:
    """Serve until `should_exit`. Raises OSError where the address can't be bound; uvicorn alone would exit."""
    try:
        await server.serve()
    except SystemExit as error:
        where = f"{server.config.host}:{server.config.port}"
        raise OSError(f"can't listen on {where}: is it taken? Set HOST or PORT.") from error


async def wait_started(server: Server, serving: "asyncio.Task[None]") -> None:
    """Return once `server` listens. Raises the error of `serving` where it ended before that."""
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    if serving.done():
        serving.result()
