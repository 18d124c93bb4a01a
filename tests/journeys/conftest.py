"""Fixtures of the whole program over the sandbox: real bot, real HTTP, real database."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.app import Bot
from bot.delivery.rate_limiter import RateLimiter
from engine.routing import early_attempts, health, repeats
from main.container import Container, open_container
from main.front_ends import bot_services, web_services
from main.http.server import http_server
from main.settings import read
from sandbox.app import Sandbox
from sandbox.telegram.flood import FloodControl
from storage.operations.audit import audit
from tests.databases import migrated_database
from tests.served import BuiltOnDemand, served
from web.app import build_app

ANN, BAO, OLGA, GROUP_ID = 1001, 1002, 9001, -100500
ADMIN_KEY = "admin-key-of-all-the-tests"
CONFIG = """
[models.auto]
offers = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "anthropic/claude-haiku-4-5", "openai/gpt-4o"]
last_resort = ["openai/gpt-4o"]
usd_per_mtok = "5.00"
[prices."deepseek/deepseek-v4-flash"]
input = "0.14"
cached_input = "0.0028"
output = "0.28"
[prices."gemini/gemini-2.5-flash-lite"]
input = "0.20"
output = "0.80"
[health]
first_token_seconds = 8
idle_seconds = 8
rest_seconds = 60
[plans.free]
requests_per_minute = 1000
"""


def labels(message: dict[str, Any]) -> list[str]:
    """Return the texts of the buttons under a message."""
    rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def words(message: dict[str, Any]) -> str:
    """Return the text of a message, or the caption of a picture; "…" if it has none yet."""
    return str(message.get("text") or ("photo" in message and message.get("caption")) or "…")


@dataclass(slots=True)
class Journey:
    """The running program and the sandbox around it."""

    sandbox: Sandbox
    container: Container
    bot: Bot
    url: str

    async def ask(self, text: str, user: int = ANN, chat: int | None = None) -> str:
        """Send a text and return the bot's final answer."""
        chat = user if chat is None else chat
        before = {message["message_id"] for message in self.sandbox.world.messages(chat)}
        said = self.sandbox.world.say(chat, user, text)
        answer = await self.sandbox.world.wait_message(
            chat,
            lambda m: m["message_id"] not in before and m["message_id"] > said["message_id"] and words(m) != "…",
        )
        return words(answer)

    async def confirm(self, text: str, user: int) -> str:
        """Send a command that asks for confirmation, confirm it, and return the answer, which replaces the question."""
        await self.ask(text, user)
        question = self.sandbox.world.messages(user)[-1]["message_id"]
        await self.press("Yes, do it", user)
        answer = await self.sandbox.world.wait_message(
            user, lambda m: m["message_id"] == question and "Yes, do it" not in labels(m)
        )
        return str(answer["text"])

    async def press(self, label: str, user: int = ANN) -> None:
        """Press the newest button whose text contains `label`; wait for it if it has not been sent yet."""
        async with asyncio.timeout(60):
            while not self._press(label, user):
                await asyncio.sleep(0.01)

    def _press(self, label: str, user: int) -> bool:
        for message in reversed(self.sandbox.world.messages(user)):
            rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
            for button in (button for row in rows for button in row):
                if label in button["text"]:
                    self.sandbox.world.press(user, user, message["message_id"], button["callback_data"])
                    return True
        return False

    async def idle(self) -> None:
        """Wait until every update is handled, its handler has returned, and every message is sent."""
        intake = self.bot._intake

        def undone(conn: Any) -> int:
            waiting = conn.rows("SELECT count(*) AS n FROM inbox WHERE state <> 'done'")[0]["n"]
            unsent = conn.rows("SELECT count(*) AS n FROM outbox WHERE state = 'new'")[0]["n"]
            return int(waiting + unsent)

        async with asyncio.timeout(60):
            while (
                self.sandbox.world.updates.pending
                or await self.container.db.read(undone)
                or intake._workers
                or intake._tasks
            ):
                await asyncio.sleep(0.01)

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        return await self.container.db.read(lambda conn: conn.rows(sql, **values))

    async def check_books(self) -> None:
        report = await self.container.db.read(audit)
        assert report.ok, report.problems
        assert await self.rows("SELECT * FROM holds WHERE state = 'open'") == []

    def admin(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=60, verify=False)


@contextlib.asynccontextmanager
async def started(
    tmp_path: Path, sandbox: Sandbox, config: str = CONFIG, wait_seconds: float = 0.0
) -> AsyncIterator[Journey]:
    (tmp_path / "farthing.toml").write_text(config)
    if not (tmp_path / "farthing.db").exists():
        (tmp_path / "farthing.db").write_bytes(migrated_database())
    # so that no test waits for Telegram's limits
    sandbox.world.flood_control = FloodControl(lambda: 1000 * time.monotonic())
    variables = {
        "TELEGRAM_BOT_TOKEN": sandbox.token,
        "TELEGRAM_API_URL": sandbox.telegram_url,
        "ADMIN_IDS": str(sandbox.admin_id),
        "ADMIN_API_KEY": ADMIN_KEY,
        "DATABASE_URL": f"sqlite:///{tmp_path}/farthing.db",
        "FARTHING_CONFIG": str(tmp_path / "farthing.toml"),
    }
    for name in ("deepseek", "gemini", "anthropic", "openai"):
        variables |= {f"{name.upper()}_BASE_URL": sandbox.provider_urls[name], f"{name.upper()}_API_KEY": f"k-{name}"}
    async with open_container(read(variables, tmp_path / "no.env")) as container:
        services = bot_services(container, footer=False)  # so that answers can be compared without it
        services = replace(
            services, config=replace(services.config, comment_seconds=wait_seconds, file_seconds=wait_seconds)
        )
        bot = Bot(services, RateLimiter(burst=100, chat_seconds=0.0, may_call=services.may_call))
        app = BuiltOnDemand(partial(build_app, web_services(container, bot)))
        async with served(http_server(app, "127.0.0.1", 0)) as url:
            await bot.start()
            try:
                yield Journey(sandbox, container, bot, url)
            finally:
                await bot.quiet()
                await container.gateway.close(5)
                await bot.stop()


@pytest.fixture(autouse=True)
def quick_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between repeats when every offer fails."""
    monkeypatch.setattr(repeats, "FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture
def no_early_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prevent attempts at a resting offer before its rest ends, however long the prompts of a test take."""
    monkeypatch.setattr(health, "EARLY_SECONDS", 1e9)
    monkeypatch.setattr(early_attempts, "LEAST_OUTAGE_SECONDS", 1e9)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(word_seconds=0.001) as started_sandbox:
        yield started_sandbox


@pytest.fixture
def no_pauses(sandbox: Sandbox) -> None:
    """Let providers send answers without pauses, for tests with many answers or a very long one."""
    sandbox.stand_ins._word_seconds = 0.0


@pytest.fixture
async def journey(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox) as started_sandbox:
        yield started_sandbox


TRANSCRIBER = """
[transcriber]
offer = "openai/whisper-1"
usd_per_minute = "0.000667"
max_seconds = 60
"""


@pytest.fixture
async def transcribing(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    """Yield a journey with a transcriber."""
    async with started(tmp_path, sandbox, CONFIG + TRANSCRIBER) as started_sandbox:
        yield started_sandbox
