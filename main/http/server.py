"""The uvicorn server: HTTP/1.1 with limited connections, timeouts, and no signal handling of its own."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from main.http.connections import Connections
from main.http.protocol import BoundedProtocol, ServerConfig

SHUTDOWN_SECONDS = 3
KEEP_ALIVE_SECONDS = 30
TURN_SECONDS, FIRST_REQUEST_TURNS = 0.02, 25
MOST_CONNECTIONS, LEAST_CONNECTIONS = 10_000, 32
MOST_WAITING = 2048
"""Connections that the kernel holds until they are accepted; asyncio accepts as many in one turn of its loop."""
OTHER_FILES = 128
"""Files for the database, logs and the like."""
_MOST_FILES = 1_048_576  # Linux's own limit, used if the hard limit is infinite


class Server(uvicorn.Server):
    """uvicorn without signal handlers: main/lifecycle.py stops the parts in order."""

    def close_port(self) -> None:
        """Accept no more connections and close those between two requests; running answers continue.

        A load balancer then uses another replica at once, and connections to a systemd socket wait for the next
        process.
        """
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            if getattr(connection, "cycle", None) is not None:
                connection.shutdown()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down. Connections that were accepted last get a moment for their first request."""
        for _ in range(FIRST_REQUEST_TURNS):
            if all(getattr(each, "cycle", None) is not None for each in self.server_state.connections):
                break
            await asyncio.sleep(TURN_SECONDS)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_server(app: ASGIApp, host: str, port: int, *, most_connections: int | None = None) -> Server:
    """Return a server for `app`, with a share of the process's open files. It does not trust X-Forwarded-For."""
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
    """Raise the soft limit of open files to the hard one; return the resulting limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else hard
    if soft in (resource.RLIM_INFINITY, wanted):
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS refuses more than a limit of its own
        return soft
    return wanted


def share_of_connections(files: int) -> int:
    """Return the number of client connections for a limit of open files; each may need a second one for a provider."""
    return min(MOST_CONNECTIONS, max(LEAST_CONNECTIONS, (files - OTHER_FILES) // 2))


async def run_server(server: Server, sockets: list[socket.socket] | None = None) -> None:
    """Serve until `should_exit`, on `sockets` if there are any.

    Raises OSError if the address can't be bound; uvicorn alone would exit.
    """
    try:
        await server.serve(sockets or None)
    except SystemExit as error:
        where = f"{server.config.host}:{server.config.port}"
        raise OSError(f"can't listen on {where}: is it taken? Set HOST or PORT.") from error


async def wait_started(server: Server, serving: "asyncio.Task[None]") -> None:
    """Return once `server` listens. Raises the error of `serving` if it ended before."""
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    if serving.done():
        serving.result()
