"""A migrated database, and a journey: the whole program over the sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from storage.database.database import Database, open_database
from storage.migrations import upgrade
from tests.journeys.conftest import Journey, started


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/bot.db"
    upgrade(url)
    async with open_database(url) as opened:
        yield opened


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(word_seconds=0.001) as running:
        yield running


@pytest.fixture
async def journey(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox) as running:
        yield running
