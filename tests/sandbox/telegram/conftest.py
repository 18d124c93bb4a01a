"""The sandbox's Bot API, its clock in the test's hand, and a bot that calls it over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.app import Sandbox
from tests.sandbox.telegram.bot_api import Bot, Clock


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    clock = Clock()
    async with Sandbox(monotonic=clock) as sandbox, httpx.AsyncClient(trust_env=False, timeout=60) as http:
        yield Bot(sandbox, clock, http)
