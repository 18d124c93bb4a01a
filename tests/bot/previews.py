"""Previews of growing answers, run in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from bot.delivery import drafts
from bot.delivery import edits as editing
from bot.delivery.drafts import DraftPreview
from bot.delivery.edits import EditPreview, EditSchedule
from tests.bot.recorder import Telegram, telegram
from tests.bot.virtual import run

ANN, ROOM = 1001, -100500
Scenario = Callable[[Telegram], Awaitable[None]]
WORDS = "the sea is wide and the night is long "


def play(monkeypatch: pytest.MonkeyPatch, scenario: Scenario) -> None:
    """Run a scenario in virtual time."""

    async def work() -> None:
        for module in (drafts, editing):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=asyncio.get_running_loop().time))
        async with telegram() as recorded:
            await scenario(recorded)

    run(work())


def draft(recorded: Telegram, chat: int = ANN) -> DraftPreview:
    return DraftPreview(recorded.bot, recorded.limiter, chat, None)


def edits(recorded: Telegram, schedule: EditSchedule, chat: int = ROOM) -> EditPreview:
    return EditPreview(recorded.bot, recorded.limiter, chat, None, None, schedule)


async def show_words(preview: DraftPreview | EditPreview, seconds: float, text: str = "", every: float = 0.05) -> str:
    """Show one more word every `every` seconds. Return the whole text."""
    words = (WORDS * 400).split()
    for number in range(round(seconds / every)):
        text += f"{words[number % len(words)]} "
        preview.show(text)
        await asyncio.sleep(every)
    return text


def now() -> float:
    return asyncio.get_running_loop().time()


def in_any(times: list[float], seconds: float) -> int:
    """Return the largest number of these times within any `seconds`."""
    return max(sum(1 for other in times if at <= other < at + seconds) for at in times)
