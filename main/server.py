"""The uvicorn server: HTTP/1.1 with a time limit for a request's head, and no signal handling of its own."""

import asyncio
import contextlib
from collections.abc import Iterator

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

SHUTDOWN_SECONDS = 3
KEEP_ALIVE_SECONDS = 30
HEAD_SECONDS = 20.0
HEAD_BYTES = 64 * 1024


class Server(uvicorn.Server):
    """uvicorn without signal handlers: main/lifecycle.py stops the parts in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HeadTimeoutProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose request head takes longer than HEAD_SECONDS.

    An idle connection is cheap to open, so without this limit a client could hold thousands.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._update_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._update_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._cancel_timer()

    def _update_timer(self) -> None:
        """Start the timer while a head is awaited; further bytes of the same head do not restart it."""
        if self.conn.their_state is not h11.IDLE:
            self._cancel_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._close_if_idle)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close_if_idle(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def http_server(app: ASGIApp, host: str, port: int) -> Server:
    """Return a server for `app`. X-Forwarded-For is not trusted."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=HeadTimeoutProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=HEAD_BYTES,
    )
    return Server(config)


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
