"""The loop of frames ends when it is halted, even in the turn of the event loop in which text arrives."""

import asyncio

import pytest

from bot.delivery.drafts import PacedPreview


class Frames(PacedPreview):
    """Records its frames."""

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
async def test_text_followed_at_once_by_the_end_does_not_delay_it(between: int) -> None:
    async with Frames() as frames:
        await turns(10)  # until the loop is waiting for text
        frames.show("Answer")
        await turns(between)
        ending = asyncio.create_task(frames.end("Answer, whole"))
        await turns(50)
        assert ending.done()


async def test_no_frame_follows_the_end() -> None:
    async with Frames() as frames:
        await turns(10)
        frames.show("Answer")
        await frames.end("Answer, whole")
        sent = list(frames.texts)
        frames.show("Answer, whole, late")
        await turns(50)
        assert frames.texts == sent
