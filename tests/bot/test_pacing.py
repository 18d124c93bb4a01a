"""A preview ends when it is told to, whatever else happens in the same turn of the loop."""

import asyncio
from typing import Any

import pytest

from bot.limits import Limiter
from bot.stream import Draft


class Frames:
    """Takes drafts as the bot would."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def send_message_draft(self, _chat: int, _draft: int, text: str, **_: Any) -> bool:
        self.texts.append(text)
        return True


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("between", range(5))
async def test_words_followed_at_once_by_the_end_do_not_keep_the_preview_waiting(between: int) -> None:
    frames = Frames()
    draft = Draft(frames, Limiter(), 5, None)  # type: ignore[arg-type]
    await draft.begin()
    while not frames.texts:
        await turns(1)
    await turns(10)  # the worker waits for words
    draft.show("Answer")
    await turns(between)
    ending = asyncio.create_task(draft.end("Answer, whole"))
    await turns(50)
    assert ending.done()


async def test_after_the_end_comes_no_frame() -> None:
    frames = Frames()
    draft = Draft(frames, Limiter(), 5, None)  # type: ignore[arg-type]
    await draft.begin()
    draft.show("Answer")
    await draft.end("Answer, whole")
    sent = list(frames.texts)
    draft.show("Answer, whole, late")
    await turns(50)
    assert frames.texts == sent
