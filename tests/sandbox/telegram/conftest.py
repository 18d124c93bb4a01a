"""Fixture of a Bot API client over HTTP, with a clock that the test sets."""

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
