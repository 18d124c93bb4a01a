"""A bot over the sandbox's Bot API, and a database."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from telegram.ext import ExtBot

from bot.requests import FormRequest
from sandbox.app import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[ExtBot[Any]]:
    made: ExtBot[Any] = ExtBot(sandbox.token, base_url=f"{sandbox.telegram_url}/bot", request=FormRequest())
    async with made:
        yield made
