"""Count of our files that one streamed answer runs through, from Telegram and over HTTP.

    python -m benchmarks.path_of_a_prompt [-v]

The whole program runs in this process beside the sandbox. One answer is a warm-up; during the second one every Python
call is observed, and the files (and caller -> callee pairs of files) of the packages below are counted. -v lists them.
"""

import asyncio
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from bot.app import Bot
from main.container import Container, open_container
from main.front_ends import bot_services, web_services
from main.http.server import http_server
from main.settings import read
from sandbox.app import Sandbox
from tests.served import served
from web.app import build_app

ROOT = str(Path(__file__).parents[1]) + "/"
PACKAGES = ("main", "bot", "web", "scheduler", "documents", "locales", "storage", "engine")
USER, ADMIN_KEY, QUESTION = 1001, "admin-key-of-the-benchmark", "tell me about the sea"


class Observer:
    """Counter of files while `on`. Install it before any thread starts, so that database threads are included."""

    def __init__(self) -> None:
        self.on = False
        self.files: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()

    def install(self) -> None:
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, _: Any) -> None:
        if not self.on or event != "call":
            return
        name = _ours(frame)
        if name is None or frame.f_code.co_name == "<module>":
            return
        self.files.add(name)
        caller = _ours(frame.f_back) if frame.f_back else None
        if caller is not None and caller != name:
            self.pairs.add((caller, name))

    async def observe(self, ask: Callable[[], Awaitable[None]]) -> tuple[list[str], int]:
        self.files, self.pairs, self.on = set(), set(), True
        try:
            await ask()
        finally:
            self.on = False
        return sorted(self.files), len(self.pairs)


def _ours(frame: FrameType) -> str | None:
    name = frame.f_code.co_filename
    path = name.removeprefix(ROOT)
    return path if path != name and path.partition("/")[0] in PACKAGES else None


@asynccontextmanager
async def _running(folder: Path, sandbox: Sandbox) -> AsyncIterator[tuple[Container, str]]:
    variables = {
        "TELEGRAM_BOT_TOKEN": sandbox.token,
        "TELEGRAM_API_URL": sandbox.telegram_url,
        "ADMIN_API_KEY": ADMIN_KEY,
        "DATABASE_URL": f"sqlite:///{folder}/farthing.db",
        "FARTHING_CONFIG": str(folder / "none.toml"),
    }
    for name in ("deepseek", "gemini"):
        variables |= {f"{name.upper()}_BASE_URL": sandbox.provider_urls[name], f"{name.upper()}_API_KEY": "k"}
    async with open_container(read(variables, folder / "none.env")) as container:
        bot = Bot(bot_services(container))
        async with served(http_server(build_app(web_services(container, bot)), "127.0.0.1", 0)) as url:
            await bot.start()
            try:
                yield container, url
            finally:
                await bot.quiet()
                await container.gateway.close(5)
                await bot.stop()


async def measure() -> dict[str, tuple[list[str], int]]:
    """Return files and pairs of files for Telegram and HTTP."""
    observer = Observer()
    observer.install()
    with tempfile.TemporaryDirectory() as folder:
        async with Sandbox(word_seconds=0.01) as sandbox, _running(Path(folder), sandbox) as (container, url):

            async def by_telegram() -> None:
                said = sandbox.world.say(USER, USER, QUESTION)
                await sandbox.world.wait_message(
                    USER, lambda m: m["message_id"] > said["message_id"] and m.get("text", "…") != "…"
                )
                await _idle(container)

            async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as client:
                key = await _key(client)

                async def by_http() -> None:
                    body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
                    answer = await client.post("/v1/chat/completions", json=body, headers={"authorization": key})
                    assert "[DONE]" in answer.text, answer.text

                found = {}
                for name, ask in (("telegram", by_telegram), ("http", by_http)):
                    await ask()
                    await asyncio.sleep(0.5)
                    found[name] = await observer.observe(ask)
    return found


async def _idle(container: Container) -> None:
    while await container.db.read(lambda conn: conn.rows("SELECT 1 FROM outbox WHERE state = 'new'")):  # noqa: ASYNC110 - a script
        await asyncio.sleep(0.01)


async def _key(client: httpx.AsyncClient) -> str:
    admin = {"authorization": f"Bearer {ADMIN_KEY}"}
    tenant = (await client.post("/admin/tenants", json={"name": "bench"}, headers=admin)).json()["id"]
    made = await client.post(f"/admin/tenants/{tenant}/keys", json={"name": "bench"}, headers=admin)
    return f"Bearer {made.json()['key']}"


def main() -> None:
    for name, (files, pairs) in asyncio.run(measure()).items():
        print(f"{name}: {len(files)} files, {pairs} pairs of caller and callee")
        if "-v" in sys.argv:
            print("  " + "\n  ".join(files))


if __name__ == "__main__":
    main()
