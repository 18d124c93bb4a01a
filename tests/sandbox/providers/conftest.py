"""The stand-ins, served over real loopback HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from main.sandbox import stand_in_providers
from sandbox.providers import StandIns
from tests.sandbox.providers.asking import Asking
from tests.served import served


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    stand_ins = StandIns(word_seconds=0.0, slow_seconds=0.0, providers=stand_in_providers())
    config = uvicorn.Config(stand_ins.app(), port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    async with served(uvicorn.Server(config)) as url, httpx.AsyncClient(trust_env=False, timeout=60) as http:
        yield Asking(stand_ins, url, http)
