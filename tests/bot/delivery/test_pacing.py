"""A preview ends when it is told to, whatever else happens in the same turn of the loop."""

import asyncio

import pytest

from bot.delivery.drafts import PacedPreview


class Frames(PacedPreview):
    """Keeps its frames to itself."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    async def _begin(self) -> None:
        self.texts.append("")
        await self._send_frames()

    async def _send(self, text: str) -> None:
        self._shown = text
        self.texts.append(text)

    async def _hand_over(self, head: str | None) -> None:
        self.texts.append(f"end: {head}")

    async def _heartbeat(self) -> None:
        self.texts.append("heartbeat")

    def _seconds(self) -> float:
        return 0.0


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("between", range(5))
async def test_words_followed_at_once_by_the_end_do_not_keep_the_preview_waiting(between: int) -> None:
    async with Frames() as frames:
        await turns(10)  # the worker waits for words
        frames.show("Answer")
        await turns(between)
        ending = asyncio.create_task(frames.end("Answer, whole"))
        await turns(50)
        assert ending.done()


async def test_after_the_end_comes_no_frame() -> None:
    async with Frames() as frames:
        await turns(10)
        frames.show("Answer")
        await frames.end("Answer, whole")
        sent = list(frames.texts)
        frames.show("Answer, whole, late")
        await turns(50)
        assert frames.texts == sent
