"""A uvicorn server that a test may speak to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from sandbox.serving import serving


@asynccontextmanager
async def served(server: uvicorn.Server) -> AsyncIterator[str]:
    """Its address while it listens; stopped on the way out."""
    async with serving(server):
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
