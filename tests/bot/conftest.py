"""A migrated database, a bot of the sandbox's Bot API, and a journey: the whole program over the sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telegram.ext import ExtBot

from bot.requests import FormRequest
from sandbox.app import Sandbox
from storage.database.database import Database, open_database
from tests.databases import migrated_database
from tests.journeys.conftest import Journey, quick_repeats, started

__all__ = ["quick_repeats"]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    (tmp_path / "bot.db").write_bytes(migrated_database())
    async with open_database(f"sqlite:///{tmp_path}/bot.db") as opened:
        yield opened


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(word_seconds=0.001) as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[ExtBot[Any]]:
    made: ExtBot[Any] = ExtBot(sandbox.token, base_url=f"{sandbox.telegram_url}/bot", request=FormRequest())
    async with made:
        yield made


@pytest.fixture
async def journey(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox) as running:
        yield running
