"""The order in which the parts of a process start and stop."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Sequence
from typing import Protocol

from starlette.types import ASGIApp

from main.container import Container
from main.http.inherited import inherited_sockets
from main.http.server import Server, http_server, run_server, wait_started

log = logging.getLogger("farthing")
SCANS = (20_000, 10, 4)
"""Thresholds of garbage collection: allocations between two scans of the youngest generation, then scans between two
scans of the next older generation.
With Python's own 700, scans take a twentieth of the CPU, with 5,000 a fiftieth: an answer leaves hardly any cycles.
"""
GRACE_SECONDS = 30.0


class Component(Protocol):
    """A part that is started and stopped: the bot, the jobs.

    `quiet` takes no new work; `stop` ends the running work.
    """

    async def start(self) -> None: ...
    async def quiet(self) -> None: ...
    async def stop(self) -> None: ...


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop, which uses less CPU per socket; asyncio's own if uvloop is not installed."""
    try:
        import uvloop  # noqa: PLC0415 - not for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def stop_on_signals() -> asyncio.Event:
    """Return an event set by SIGTERM and Ctrl-C. A second signal changes nothing, because stopping has time limits."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(
    container: Container, app: ASGIApp | None, components: Sequence[Component], stop: asyncio.Event
) -> None:
    """Start HTTP and `components`; when `stop` is set, stop them in order.

    First the port is closed and new work is refused, then running answers end, then all parts that send are stopped.
    """
    env = container.settings.env
    server = http_server(app, env.host, env.port) if app is not None else None
    sockets = inherited_sockets() if server is not None else []
    serving = asyncio.create_task(run_server(server, sockets)) if server is not None else None
    try:
        if server is not None and serving is not None:
            await wait_started(server, serving)
            where = f"http://{env.host}:{env.port}" if not sockets else "the sockets of systemd"
            log.info("listening on %s", where)
        for component in components:
            await component.start()
        freeze_garbage_collection()
        waits = [asyncio.create_task(stop.wait()), *([serving] if serving else [])]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if serving is not None and serving.done():
            serving.result()
    finally:
        await _stop(container, server, serving, components)


def freeze_garbage_collection() -> None:
    """Exclude start-up objects from garbage collection: scanning them stops the process for 0.1 s.

    The youngest generation is then scanned less often, because nearly all objects of an answer are freed before.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # Python scans the oldest generation when a quarter of it is new; this call makes it empty
    gc.set_threshold(*SCANS)


async def _stop(
    container: Container, server: Server | None, serving: "asyncio.Task[None] | None", components: Sequence[Component]
) -> None:
    gateway = container.gateway
    log.info("stopping; answers in flight: %d", gateway.in_flight)
    if server is not None and server.started:
        server.close_port()
    for component in components:
        await component.quiet()
    try:
        await gateway.close(GRACE_SECONDS)
    except TimeoutError:
        log.warning("%d answers did not end in time; expire_holds will release their holds", gateway.in_flight)
    for component in reversed(components):
        await component.stop()
    if server is not None and serving is not None:
        server.should_exit = True
        with contextlib.suppress(Exception):
            await serving
    log.info("stopped")
