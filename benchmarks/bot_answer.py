"""CPU of the bot's process per answer of 60 words streamed over 2 seconds, everything included.

    python -m benchmarks.bot_answer [ANSWERS]

The sandbox (Telegram, providers) runs in a process of its own; the figure is this process's user + system time
between the first prompt and the last sent answer, divided by the answers. Beside it, in the same run, bare calls
(getMe) through PTB's own stock request class: the ratio holds where machines differ.
"""

import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from telegram import Bot as TelegramBot

from bot.app import Bot
from house import House, open_house
from live import _services
from settings import read

CHATS = 20
WORDS, SECONDS = 60, 2.0
_SANDBOX = """
import asyncio
from sandbox.app import Sandbox
from sandbox.providers import answers
from sandbox.telegram.world import Chat
answers._LONG = "word " * {words}
async def main():
    async with Sandbox(port={port}, word_seconds={pace}) as sandbox:
        for user in range(2000, 2000 + {chats}):
            sandbox.world.users[user] = {{"id": user, "is_bot": False, "first_name": str(user)}}
            sandbox.world.chats[user] = Chat(user, "private", str(user), (user,))
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def measure(answers: int, port: int, folder: Path) -> None:
    url = f"http://127.0.0.1:{port}"
    variables = {
        "TELEGRAM_BOT_TOKEN": "424242:AAsandboxsandboxsandboxsandboxsandbox",
        "TELEGRAM_API_URL": f"{url}/telegram",
        "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        "FARTHING_CONFIG": str(folder / "none.toml"),
        "GEMINI_API_KEY": "k",
        "GEMINI_BASE_URL": f"{url}/providers/gemini",
    }
    async with open_house(read(variables, folder / "none.env")) as house, httpx.AsyncClient(trust_env=False) as people:
        bot = Bot(_services(house, footer=False))
        counted = count_calls(bot)
        await bot.start()
        await rounds(people, url, CHATS, house)  # warm
        before = next(counted)
        cpu, began = time.process_time(), time.monotonic()
        await rounds(people, url, answers, house)
        spent, took = time.process_time() - cpu, time.monotonic() - began
        calls = next(counted) - before - 1
        bare = await bare_seconds(variables["TELEGRAM_BOT_TOKEN"], variables["TELEGRAM_API_URL"])
        await bot.quiet()
        await bot.stop()
    each = spent / answers
    print(f"{answers} answers of {WORDS} words over {SECONDS:g} s, {CHATS} chats at once: {took:.1f} s")
    print(f"Bot API calls per answer, drafts included: {calls / answers:.1f}")
    print(f"CPU per answer: {each * 1000:.1f} ms = {each / bare:.1f} bare Bot API calls of {bare * 1000:.2f} ms")


def count_calls(bot: Bot) -> "itertools.count[int]":
    """Advances with each call to the Bot API."""
    counted, request = itertools.count(), bot.bot.request
    inner = request.do_request

    async def do_request(*args: Any, **kwargs: Any) -> tuple[int, bytes]:
        next(counted)
        return await inner(*args, **kwargs)

    request.do_request = do_request  # type: ignore[method-assign]
    return counted


async def bare_seconds(token: str, url: str, calls: int = 100) -> float:
    """CPU of one call as PTB makes it by itself."""
    async with TelegramBot(token, base_url=f"{url}/bot") as bare:
        cpu = time.process_time()
        for _ in range(calls):
            await bare.get_me()
        return (time.process_time() - cpu) / calls


async def rounds(people: httpx.AsyncClient, url: str, answers: int, house: House) -> None:
    for start in range(0, answers, CHATS):
        users = range(2000, 2000 + min(CHATS, answers - start))
        for user in users:
            body = {"chat_id": user, "user_id": user, "text": "tell me something at length please"}
            await people.post(f"{url}/api/send", json=body)
        await asyncio.sleep(SECONDS + 0.5)
        while house.gateway.in_flight:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def main() -> None:
    answers, port = int(sys.argv[1]) if len(sys.argv) > 1 else 100, 18_732
    script = _SANDBOX.format(words=WORDS, port=port, pace=SECONDS / WORDS, chats=CHATS)
    child = subprocess.Popen([sys.executable, "-c", script])
    try:
        time.sleep(3)
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(answers, port, Path(folder)))
    finally:
        child.terminate()
        child.wait()


if __name__ == "__main__":
    main()
