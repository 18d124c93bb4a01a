"""The stand-ins, served over real loopback HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from sandbox.providers import StandIns
from tests.sandbox.providers.dialects import Asking


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    stand_ins = StandIns(word_seconds=0.0, slow_seconds=0.0)
    config = uvicorn.Config(stand_ins.app(), port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        yield Asking(stand_ins, f"http://127.0.0.1:{port}", http)
    server.should_exit = True
    await serving
