"""Delay from an answer's first token to the first text in the chat, while Telegram refuses a few of the chats.

    python -m benchmarks.first_text [--chats 40] [--refused 3] [--rounds 4]

Each round, all chats ask within a second. Telegram answers the calls for the refused chats with a 429 and a
`retry_after`; the other chats must not wait for them. A token's time is when the stand-in provider writes it, a text's
time is when the Bot API gets it: a draft or a message with words of the answer. The bot is a process of its own;
Telegram and the provider share another one. A first round without any refusal serves for comparison.
"""

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks.gateway import started
from benchmarks.ports import free_port
from sandbox.app import Sandbox
from sandbox.providers import wording
from sandbox.telegram.world import Chat

FIRST_CHAT, WORDS, WORD_SECONDS = 3000, 60, 0.05
SHOWING = frozenset({"sendMessageDraft", "sendMessage", "editMessageText"})
REFUSED_SECONDS = 20.0
WAIT_SECONDS = 60.0
GOAL_SECONDS = 0.3
_ASKED = re.compile(rb"question (\d+) of chat (\d+)")
_WORD = "word"


@dataclass(slots=True)
class Moments:
    """The times of first tokens and first texts, by chat, in the current round."""

    number: int = 0
    token: dict[int, float] = field(default_factory=dict)
    text: dict[int, float] = field(default_factory=dict)

    def begin(self, number: int) -> None:
        self.number, self.token, self.text = number, {}, {}

    def has_token(self, asked: bytes) -> None:
        """Record the first token for the last question in a provider's request."""
        found = _ASKED.findall(asked)
        if found and int(found[-1][0]) == self.number:
            self.token.setdefault(int(found[-1][1]), time.monotonic())

    def append(self, call: tuple[str, dict[str, Any]]) -> None:
        """Record a call of the Bot API. This object replaces the world's list of calls."""
        name, fields = call
        chat = int(fields.get("chat_id") or 0)
        if name in SHOWING and chat in self.token and _WORD in str(fields.get("text", "")):
            self.text.setdefault(chat, time.monotonic())

    def delays(self, chats: Sequence[int]) -> list[float]:
        return [self.text[chat] - self.token[chat] for chat in chats]


class TimedSandbox(Sandbox):
    """A sandbox that records when a provider's stream writes its first word, and when the Bot API is called."""

    def __init__(self, moments: Moments) -> None:
        super().__init__(word_seconds=WORD_SECONDS)
        self._moments = moments
        self.world.calls = moments  # type: ignore[assignment]

    def _app(self) -> ASGIApp:  # type: ignore[override]
        app, moments = super()._app(), self._moments

        async def timed(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].startswith("/providers/"):
                return await app(scope, receive, send)
            body = bytearray()

            async def received() -> Message:
                message = await receive()
                body.extend(message.get("body", b""))
                return message

            async def sent(message: Message) -> None:
                if _WORD.encode() in message.get("body", b""):
                    moments.has_token(bytes(body))
                await send(message)

            return await app(scope, received, sent)

        return timed


@contextmanager
def bot(sandbox: Sandbox, folder: Path) -> Iterator[None]:
    (folder / "farthing.toml").write_text("[plans.free]\nrequests_per_minute = 1000\n")
    variables = {
        "TELEGRAM_BOT_TOKEN": sandbox.token,
        "TELEGRAM_API_URL": sandbox.telegram_url,
        "DATABASE_URL": f"sqlite:///{folder}/first.db",
        "FARTHING_CONFIG": str(folder / "farthing.toml"),
        "GEMINI_API_KEY": "k",
        "GEMINI_BASE_URL": sandbox.provider_urls["gemini"],
        "PORT": str(free_port()),
        "LOG_LEVEL": "ERROR",
    }
    with started("farthing", ["-m", "main"], 0, **variables):
        yield


async def one_round(sandbox: Sandbox, moments: Moments, number: int, chats: range, refused: Sequence[int]) -> None:
    """Let all chats ask within a second; return when all chats except the refused ones have seen a text."""
    moments.begin(number)
    for chat in refused:
        sandbox.world.flood_control.ban(chat, REFUSED_SECONDS)
    for chat in chats:
        sandbox.world.say(chat, chat, f"question {number} of chat {chat}: tell me something at length please")
        await asyncio.sleep(1 / len(chats))
    others, deadline = set(chats) - set(refused), time.monotonic() + WAIT_SECONDS
    while others - moments.text.keys():
        if time.monotonic() > deadline:
            raise SystemExit(f"no text in the chats {sorted(others - moments.text.keys())}")
        await asyncio.sleep(0.05)
    await asyncio.sleep(WORDS * WORD_SECONDS + 1)


def told(name: str, delays: Sequence[float]) -> str:
    """Return a line about the delays of a load."""
    ordered = sorted(delays)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    late = sum(each > GOAL_SECONDS for each in ordered)
    p50 = statistics.median(ordered)
    return (
        f"{name}: {len(ordered)} answers, p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms,"
        f" longest {ordered[-1] * 1000:.0f} ms, over {GOAL_SECONDS * 1000:.0f} ms: {late}"
    )


async def measure(number: int, refused: int, rounds: int) -> None:
    moments = Moments()
    wording.ENGLISH = replace(wording.ENGLISH, long=f"{_WORD} " * WORDS)  # the text that it answers with
    with tempfile.TemporaryDirectory() as folder:
        async with TimedSandbox(moments) as sandbox:
            chats = range(FIRST_CHAT, FIRST_CHAT + number)
            for chat in chats:
                sandbox.world.users[chat] = {"id": chat, "is_bot": False, "first_name": str(chat)}
                sandbox.world.chats[chat] = Chat(chat, "private", str(chat), (chat,))
            with bot(sandbox, Path(folder)):
                await one_round(sandbox, moments, 0, chats, ())  # warm-up
                await one_round(sandbox, moments, 1, chats, ())
                print(told("no chat refused", moments.delays(chats)), flush=True)
                found: list[float] = []
                for each in range(rounds):
                    await one_round(sandbox, moments, 2 + each, chats, chats[:refused])
                    found += moments.delays(chats[refused:])
                print(told(f"{refused} of {number} chats refused", found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chats", type=int, default=40)
    parser.add_argument("--refused", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    asyncio.run(measure(given.chats, given.refused, given.rounds))


if __name__ == "__main__":
    main()
