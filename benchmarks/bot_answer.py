"""CPU of the bot's process per answer of 60 words streamed over 2 seconds, everything included.

    python -m benchmarks.bot_answer [ANSWERS]

The sandbox (Telegram, providers, the people who ask) runs in a process of its own. The figure is this process's user +
system time between the first prompt and the last sent answer, divided by the answers: for one chat at a time, and for
twenty at once. For comparison, the same run sends messages with PTB's own HTTPXRequest: the ratio is comparable between
machines.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import IO

from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.app import Bot
from main.container import Container, open_container
from main.front_ends import bot_services
from main.lifecycle import freeze_garbage_collection, new_event_loop
from main.settings import read

CHATS, FIRST = 20, 2000
WORDS, SECONDS = 60, 2.0
ROUNDS_OF_SENDS = 3
MOST_POLLS = 120
_SANDBOX = """
import asyncio, collections, dataclasses, json, sys
from sandbox.app import Sandbox
from sandbox.providers import answers, wording
from sandbox.telegram.world import Chat
words = dataclasses.replace(wording.ENGLISH, long="word " * {words})
answers.wording = lambda _: words
async def main():
    loop = asyncio.get_running_loop()
    async with Sandbox(port={port}, word_seconds={pace}) as sandbox:
        world = sandbox.world
        for user in range({first}, {first} + {chats}):
            world.users[user] = {{"id": user, "is_bot": False, "first_name": str(user)}}
            world.chats[user] = Chat(user, "private", str(user), (user,))
        print("up", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            if line.startswith("count"):
                print(json.dumps(collections.Counter(name for name, _ in world.calls)), flush=True)
                world.calls.clear()
            else:
                world.say(int(line), int(line), "tell me something at length please")
asyncio.run(main())
"""


class Telegram:
    """The sandbox's process: sends prompts and counts the bot's calls."""

    def __init__(self, port: int) -> None:
        script = _SANDBOX.format(words=WORDS, port=port, pace=SECONDS / WORDS, chats=CHATS, first=FIRST)
        self._child = subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1, text=True)
        self._out.readline()

    def say(self, user: int) -> None:
        self._in.write(f"{user}\n")
        self._in.flush()

    def calls(self) -> dict[str, int]:
        """Return the number of calls of each method since the last time."""
        self._in.write("count\n")
        self._in.flush()
        counted: dict[str, int] = json.loads(self._out.readline())
        return counted

    def end(self) -> None:
        self._child.terminate()
        self._child.wait()

    @property
    def _in(self) -> IO[str]:
        assert self._child.stdin is not None
        return self._child.stdin

    @property
    def _out(self) -> IO[str]:
        assert self._child.stdout is not None
        return self._child.stdout


async def measure(answers: int, telegram: Telegram, port: int, folder: Path) -> None:
    url = f"http://127.0.0.1:{port}"
    (folder / "farthing.toml").write_text("[plans.free]\nrequests_per_minute = 1000\n")
    variables = {
        "TELEGRAM_BOT_TOKEN": "424242:AAsandboxsandboxsandboxsandboxsandbox",
        "TELEGRAM_API_URL": f"{url}/telegram",
        "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        "FARTHING_CONFIG": str(folder / "farthing.toml"),
        "GEMINI_API_KEY": "k",
        "GEMINI_BASE_URL": f"{url}/providers/gemini",
    }
    async with open_container(read(variables, folder / "none.env")) as container:
        bot = Bot(bot_services(container))
        await bot.start()
        await ask(telegram, CHATS, CHATS, container)  # warm-up
        freeze_garbage_collection()
        await asyncio.sleep(5)  # the rest of the warm-up is not counted
        measured = [
            await cpu_per_answer(telegram, number, chats, container)
            for number, chats in ((max(5, answers // 10), 1), (answers, CHATS))
        ]
        await asyncio.sleep(5)
        bare = await stock_send_seconds(url, variables["TELEGRAM_BOT_TOKEN"])
        await bot.quiet()
        await bot.stop()
    print(f"one sendMessage over PTB's stock HTTPXRequest: {bare * 1000:.2f} ms of CPU")
    for line, seconds in measured:
        print(f"{line}: {seconds * 1000:.1f} ms = {seconds / bare:.1f} bare sends")


async def cpu_per_answer(telegram: Telegram, answers: int, chats: int, container: Container) -> tuple[str, float]:
    telegram.calls()
    began = time.process_time()
    calls = await ask(telegram, answers, chats, container)
    each = (time.process_time() - began) / answers
    frames = calls["sendMessageDraft"] / answers
    return f"{answers} answers of {WORDS} words over {SECONDS:g} s, {chats} at once, {frames:.1f} frames each", each


async def ask(telegram: Telegram, answers: int, chats: int, container: Container) -> Counter[str]:
    """Ask, and return the bot's calls up to the last message with an answer. Raises RuntimeError if one is missing."""
    for start in range(0, answers, chats):
        for number in range(start, min(start + chats, answers)):
            telegram.say(FIRST + number % CHATS)
        await asyncio.sleep(SECONDS + 0.5)
        while container.gateway.in_flight:  # noqa: ASYNC110
            await asyncio.sleep(0.25)
    calls: Counter[str] = Counter()
    for _ in range(MOST_POLLS):
        calls.update(telegram.calls())
        if calls["sendMessage"] >= answers:
            return calls
        await asyncio.sleep(0.25)
    raise RuntimeError(f"{calls['sendMessage']} of {answers} answers were sent: {dict(calls)}")


async def stock_send_seconds(url: str, token: str) -> float:
    """Return the CPU of one message sent with PTB's default request class."""
    stock = HTTPXRequest(httpx_kwargs={"trust_env": False})
    async with ExtBot(token, base_url=f"{url}/telegram/bot", request=stock) as bot:
        await asyncio.gather(*(bot.send_message(FIRST + number, "word " * WORDS) for number in range(CHATS)))  # warm
        spent = 0.0
        for _ in range(ROUNDS_OF_SENDS):
            await asyncio.sleep(1.1)  # Telegram's rate limit
            began = time.process_time()
            await asyncio.gather(*(bot.send_message(FIRST + number, "word " * WORDS) for number in range(CHATS)))
            spent += time.process_time() - began
    return spent / (ROUNDS_OF_SENDS * CHATS)


def main() -> None:
    answers, port = int(sys.argv[1]) if len(sys.argv) > 1 else 100, 18_732
    telegram = Telegram(port)
    try:
        with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(measure(answers, telegram, port, Path(folder)))
    finally:
        telegram.end()


if __name__ == "__main__":
    main()
