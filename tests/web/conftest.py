"""Fixtures: the HTTP app over a real database and stand-in providers, without the bot."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from main.container import Container, open_container
from main.front_ends import web_services
from main.http.server import http_server
from main.settings import read
from sandbox.app import Sandbox
from storage.operations.audit import audit
from tests.databases import migrated_database
from tests.journeys.conftest import quick_repeats
from tests.served import served
from tests.web.described import Described
from web.app import build_app

__all__ = ["quick_repeats"]

ADMIN_KEY = "admin-key-of-all-the-tests"
NAMES = ("deepseek", "gemini", "anthropic", "openai")
ASKED: Any = [{"role": "user", "content": "tell me about the sea, at length"}]
CONFIG = """
[models.auto]
offers = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite"]
usd_per_mtok = "5.00"
[models.seen]
offers = ["gemini/gemini-2.5-flash-lite"]
usd_per_mtok = "5.00"
[prices."deepseek/deepseek-v4-flash"]
input = "0.01"
output = "0.02"
[plans.free]
requests_per_minute = 100000
"""
DESCRIPTIONS: dict[str, Described] = {}
"""The OpenAPI document by configuration, cached because building it takes time."""


@dataclass(slots=True)
class RunningApi:
    """The served app. `key`: an API key of a tenant with 1 USD in the wallet and an allowance.

    Every answer that its clients get is checked against /openapi.json.
    """

    sandbox: Sandbox
    container: Container
    url: str
    key: str = ""
    config: str = ""

    def http(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        key = self.key if key is None else key
        said = {**({"authorization": f"Bearer {key}"} if key else {}), **headers}
        return httpx.AsyncClient(
            base_url=self.url,
            headers=said,
            trust_env=False,
            verify=False,
            timeout=60,
            event_hooks={"response": [self.check]},
        )

    def ai(self, key: str | None = None) -> openai.AsyncOpenAI:
        key = key or self.key
        http = openai.DefaultAsyncHttpxClient(trust_env=False, event_hooks={"response": [self.check]})
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, http_client=http)

    async def check(self, response: httpx.Response) -> None:
        if self.config not in DESCRIPTIONS:
            async with httpx.AsyncClient(trust_env=False, timeout=60, verify=False) as http:
                DESCRIPTIONS[self.config] = Described((await http.get(f"{self.url}/openapi.json")).json())
        await DESCRIPTIONS[self.config].check(response)

    async def make_key(self, *, usd: str = "") -> str:
        async with self.http(ADMIN_KEY) as admin:
            path = f"/admin/tenants/{(await admin.post('/admin/tenants', json={'name': 'team'})).json()['id']}"
            if usd:
                body = {"usd": usd, "reason": "t"}
                await admin.post(f"{path}/credits", json=body, headers={"Idempotency-Key": "k"})
            made: str = (await admin.post(f"{path}/keys", json={"name": "k"})).json()["key"]
            return made

    def set_mode(self, mode: str, *names: str) -> None:
        for name in names or NAMES:
            self.sandbox.stand_ins.set_mode(name, mode)

    async def rows(self, sql: str) -> list[Any]:
        return await self.container.db.read(lambda conn: conn.rows(sql))

    async def idle(self) -> None:
        """Wait until no answer and no background read is running."""
        async with asyncio.timeout(60):
            while self.container.gateway.in_flight or len(self.container.market.background_reads):
                await asyncio.sleep(0.01)

    async def check_books(self) -> None:
        report = await self.container.db.read(audit)
        assert report.ok, report.problems
        assert await self.rows("SELECT * FROM holds WHERE state = 'open'") == []


@contextlib.asynccontextmanager
async def serving(
    tmp_path: Path, sandbox: Sandbox, config: str = CONFIG, names: tuple[str, ...] = NAMES
) -> AsyncIterator[RunningApi]:
    (tmp_path / "farthing.toml").write_text(config)
    (tmp_path / "farthing.db").write_bytes(migrated_database())
    variables = {
        "ADMIN_API_KEY": ADMIN_KEY,
        "DATABASE_URL": f"sqlite:///{tmp_path}/farthing.db",
        "FARTHING_CONFIG": str(tmp_path / "farthing.toml"),
    }
    for name in names:
        variables |= {f"{name.upper()}_BASE_URL": sandbox.provider_urls[name], f"{name.upper()}_API_KEY": f"k-{name}"}
    async with (
        open_container(read(variables, tmp_path / "no.env")) as container,
        served(http_server(build_app(web_services(container)), "127.0.0.1", 0)) as url,
    ):
        api = RunningApi(sandbox, container, url, config=f"{config} {names}")
        api.key = await api.make_key(usd="1")
        try:
            yield api
        finally:
            await container.gateway.close(5)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(word_seconds=0.001) as running:
        yield running


@pytest.fixture
async def api(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[RunningApi]:
    async with serving(tmp_path, sandbox) as running:
        yield running
