"""Fixtures: the Mini App with a local Telegram that makes invoices."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import Sandbox
from sandbox.telegram.world import World
from storage.tenants import tenant_settings
from storage.tenants.terms import TERMS_VERSION
from tests.web.miniapp.conftest import ANN, Mini, opened


@dataclass(slots=True)
class Shop:
    """The app and its local Telegram. `http`: Ann's client; she has agreed to the terms."""

    mini: Mini
    world: World
    http: httpx.AsyncClient

    def offered(self, link: str) -> dict[str, Any]:
        """Return the invoice behind a link."""
        return self.world.links[link.removeprefix("https://t.me/$")]

    async def choose(self, plan: str, pay: str | None = None) -> dict[str, Any]:
        answer = await self.http.post("/app/plan", json={"plan": plan, "pay": pay})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def plan(self) -> tuple[str, str | None]:
        found = (await self.http.get("/app/account")).json()["account"]
        return found["plan"], found["next_plan"]


@contextlib.asynccontextmanager
async def open_shop(tmp_path: Path, config: str = "") -> AsyncIterator[Shop]:
    async with Sandbox() as sandbox, opened(tmp_path, config, sandbox.telegram_url) as mini, mini.http(ANN) as http:
        now = datetime.now(UTC)
        await mini.container.db.write(lambda conn: tenant_settings.agree_terms(conn, mini.ann, TERMS_VERSION, now))
        yield Shop(mini, sandbox.world, http)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as found:
        yield found
