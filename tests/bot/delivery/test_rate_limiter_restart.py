"""After a crash, drafts in a chat stay within Telegram's budget, part of which the dead process has used."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot import requests
from bot.delivery import drafts
from bot.delivery.drafts import DraftPreview
from bot.delivery.lapse import LeaseLapsed
from bot.delivery.rate_limiter import Priority, RateLimiter
from tests.bot.delivery.test_rate_limiter import most_within
from tests.bot.virtual import run

ANN = 7


class Loop:
    """The time of the virtual loop in place of `time.monotonic`."""

    @staticmethod
    def monotonic() -> float:
        return asyncio.get_running_loop().time()


async def one_process(seconds: float) -> None:
    """Take over the chat, stream text and end abruptly."""
    limiter = RateLimiter()
    limiter.slow_down(ANN)
    bot: Any = SimpleNamespace()
    draft = DraftPreview(bot, limiter, ANN, None)
    async with asyncio.timeout(seconds):
        async with draft:
            for number in range(1000):
                draft.show("word " * number)
                await asyncio.sleep(0.1)


def test_twenty_restarts_send_no_more_frames_than_one_process_may(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []

    async def post(_: Any, method: str, __: Any) -> bool:
        assert method == "sendMessageDraft"
        times.append(Loop.monotonic())
        return True

    async def scenario() -> None:
        for _ in range(20):
            with pytest.raises(TimeoutError):
                await one_process(1.5)

    monkeypatch.setattr(requests, "post", post)
    monkeypatch.setattr(drafts, "time", Loop)
    run(scenario())
    assert most_within(times, 30.0) <= 40
    assert most_within(times, 5.0) <= 20


def test_slow_time_ends_with_telegrams_window() -> None:
    async def scenario() -> tuple[bool, bool, bool]:
        limiter = RateLimiter()
        before = limiter.is_slow(ANN)
        limiter.slow_down(ANN)
        during = limiter.is_slow(ANN)
        await asyncio.sleep(30.1)
        return before, during, limiter.is_slow(ANN)

    assert run(scenario()) == (False, True, False)


def test_process_without_its_lease_calls_no_chat() -> None:
    calls: list[str] = []
    held = False

    async def call(name: str) -> bool:
        calls.append(name)
        return True

    async def scenario() -> None:
        nonlocal held
        limiter = RateLimiter(may_call=lambda: held)

        async def send(name: str, endpoint: str, priority: Priority | None) -> None:
            await limiter.process_request(call, (name,), {}, endpoint, {"chat_id": ANN}, priority)

        for name, endpoint, priority in (
            ("final", "sendMessage", Priority.FINAL),
            ("reply", "sendMessage", None),
            ("edit", "editMessageText", Priority.PREVIEW),
            ("draft", "sendMessageDraft", None),
            ("notice", "sendMessage", Priority.NOTICE),
        ):
            with pytest.raises(LeaseLapsed):
                await send(name, endpoint, priority)
        held = True
        await send("final again", "sendMessage", Priority.FINAL)

    run(scenario())
    assert calls == ["final again"]
