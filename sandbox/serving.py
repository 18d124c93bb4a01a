"""A uvicorn server in the running loop that starts and stops without delay; uvicorn itself polls ten times a second."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn


@contextlib.asynccontextmanager
async def serving(server: uvicorn.Server, sockets: list[socket.socket] | None = None) -> AsyncIterator[None]:
    """Serve within the context. At its end, requests have the server's `timeout_graceful_shutdown` to finish."""
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets)
    ticking = asyncio.create_task(server.main_loop())  # keeps the Date header current
    try:
        yield
    finally:
        ticking.cancel()
        await _stop(server)


async def _stop(server: uvicorn.Server) -> None:
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(server.config.timeout_graceful_shutdown):
            await _ended(server)
    for task in server.server_state.tasks:
        task.cancel()


async def _ended(server: uvicorn.Server) -> None:
    while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.001)
    for listener in server.servers:
        await listener.wait_closed()
