"""Running and stopping: the faces over one house, in one process, until a signal."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Iterator, Sequence
from typing import Protocol

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from main.container import Container

log = logging.getLogger("farthing")
GRACE_SECONDS = 30.0
HANG_UP_SECONDS = 3
HEAD_SECONDS = 20.0


class Face(Protocol):
    """What is started and stopped over a house: the bot, the clock. `quiet` takes no new work; `stop` ends the rest."""

    async def start(self) -> None: ...
    async def quiet(self) -> None: ...
    async def stop(self) -> None: ...


class Server(uvicorn.Server):
    """uvicorn without its own signal handling: stopping has an order here."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Impatient(H11Protocol):
    """uvicorn's HTTP/1.1, hanging up on who takes HEAD_SECONDS for a request's head: thousands cost nothing to open."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wind()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wind()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unwind()

    def _wind(self) -> None:
        """Only what has begun is timed anew by the next head; more of the same head wins no time."""
        if self.conn.their_state is not h11.IDLE:
            self._unwind()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _unwind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def http_server(app: ASGIApp, host: str, port: int) -> Server:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Impatient,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=HANG_UP_SECONDS,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )
    return Server(config)


async def run_server(server: Server) -> None:
    """Uvicorn exits the process when it can't bind; here that is an error like any other."""
    try:
        await server.serve()
    except SystemExit as error:
        where = f"{server.config.host}:{server.config.port}"
        raise OSError(f"can't listen on {where}: is it taken? Set HOST or PORT.") from error


def stop_on_signals() -> asyncio.Event:
    """Set by SIGTERM or Ctrl-C; a second one changes nothing: stopping has its own bound."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(house: Container, app: ASGIApp | None, faces: Sequence[Face], stop: asyncio.Event) -> None:
    """Start `faces` and HTTP, and take them down in order when `stop` is set.

    First no new work, then the answers in flight, then everything that sends.
    """
    env = house.settings.env
    server = http_server(app, env.host, env.port) if app is not None else None
    serving = asyncio.create_task(run_server(server)) if server is not None else None
    try:
        if server is not None and serving is not None:
            await _started(server, serving)
            log.info("listening on http://%s:%d", env.host, env.port)
        for face in faces:
            await face.start()
        settle()
        waits = [asyncio.create_task(stop.wait()), *([serving] if serving else [])]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if serving is not None and serving.done():
            serving.result()
    finally:
        await _stop(house, server, serving, faces)


def settle() -> None:
    """What stands now stands to the end: the collector need not stop everything for 0.1 s to look at it again."""
    gc.collect()
    gc.freeze()


async def _started(server: Server, serving: "asyncio.Task[None]") -> None:
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    if serving.done():
        serving.result()


async def _stop(
    house: Container, server: Server | None, serving: "asyncio.Task[None] | None", faces: Sequence[Face]
) -> None:
    log.info("stopping; answers in flight: %d", house.gateway.in_flight)
    for face in faces:
        await face.quiet()
    try:
        await house.gateway.close(GRACE_SECONDS)
    except TimeoutError:
        log.warning(
            "%d answers could not be ended: their holds are given back by expire_holds", house.gateway.in_flight
        )
    for face in reversed(faces):
        await face.stop()
    if server is not None and serving is not None:
        server.should_exit = True
        with contextlib.suppress(Exception):
            await serving
    log.info("stopped")
