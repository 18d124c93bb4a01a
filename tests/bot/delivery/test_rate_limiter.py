import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram.error import RetryAfter

from bot.delivery.rate_limiter import Priority, RateLimiter
from tests.bot.virtual import run

PRIVATE, GROUP = 7, -100
Arrived = list[tuple[float, int, str]]


class Telegram:
    """Records when each call arrives; the way there and the way back take `lag` seconds each."""

    def __init__(self, lag: Callable[[int], float] = lambda _: 0.05) -> None:
        self.limiter = RateLimiter()
        self.arrived: Arrived = []
        self.refusals: dict[int, list[float]] = defaultdict(list)
        self._lag = lag

    async def call(self, chat: int, method: str = "sendMessage", priority: int | None = None) -> object:
        async def answer() -> bool | dict[str, Any]:
            lag = self._lag(len(self.arrived))
            await asyncio.sleep(lag)
            self.arrived.append((asyncio.get_running_loop().time(), chat, method))
            if self.refusals[chat]:
                raise RetryAfter(timedelta(seconds=self.refusals[chat].pop(0)))
            await asyncio.sleep(lag)
            return {}

        return await self.limiter.process_request(answer, (), {}, method, {"chat_id": chat}, priority)

    def times(self, *chats: int) -> list[float]:
        return [when for when, chat, _ in self.arrived if chat in chats]


def most_within(times: list[float], seconds: float) -> int:
    times = sorted(times)
    return max((sum(begin <= t < begin + seconds for t in times) for begin in times), default=0)


def test_two_hundred_answers_at_once_stay_within_the_bots_rate() -> None:
    async def scenario() -> Telegram:
        telegram = Telegram(lambda number: 0.01 + (number * 37 % 100) / 400)
        await asyncio.gather(*(telegram.call(chat, priority=Priority.FINAL) for chat in range(1, 201)))
        return telegram

    telegram = run(scenario())
    assert len(telegram.arrived) == 200
    assert most_within(telegram.times(*range(1, 201)), 1.0) <= 30


def test_final_message_passes_waiting_notices() -> None:
    async def scenario() -> list[int]:
        telegram = Telegram()
        notices = [asyncio.create_task(telegram.call(chat, priority=Priority.NOTICE)) for chat in range(1, 60)]
        await asyncio.sleep(0.2)
        await telegram.call(999, priority=Priority.FINAL)
        passed = [chat for _, chat, _ in telegram.arrived]
        await asyncio.gather(*notices)
        return passed

    assert len(run(scenario())) < 15


def test_429_stalls_its_chat_alone() -> None:
    async def scenario() -> tuple[float, Telegram]:
        telegram = Telegram()
        telegram.refusals[1] = [10.0]
        refused = asyncio.create_task(telegram.call(1))
        await asyncio.sleep(0.2)
        begun = asyncio.get_running_loop().time()
        await telegram.call(2)
        other = asyncio.get_running_loop().time() - begun
        assert await telegram.call(1, "sendMessageDraft") is True
        await refused
        return other, telegram

    other, telegram = run(scenario())
    first, second = telegram.times(1)
    assert other < 1
    assert second - first > 10
    assert telegram.arrived[-1][1:] == (1, "sendMessage")


def test_long_ban_raises_without_a_call() -> None:
    async def scenario() -> int:
        telegram = Telegram()
        telegram.refusals[1] = [5000.0]
        with pytest.raises(RetryAfter):
            await telegram.call(1)
        with pytest.raises(RetryAfter):
            await telegram.call(1)
        return len(telegram.arrived)

    assert run(scenario()) == 1


def test_slot_of_a_group_is_reserved_for_the_final_message() -> None:
    async def scenario() -> float:
        telegram = Telegram()
        for _ in range(100):
            await telegram.call(GROUP, "editMessageText", Priority.PREVIEW)
            await asyncio.sleep(0.4)
        begun = asyncio.get_running_loop().time()
        await telegram.call(GROUP, priority=Priority.FINAL)
        return asyncio.get_running_loop().time() - begun

    assert run(scenario()) < 2.5


def test_parts_of_a_long_answer_arrive_in_order() -> None:
    async def scenario() -> list[str]:
        telegram = Telegram(lambda number: 0.3 if number % 2 else 0.01)
        await asyncio.gather(*(telegram.call(PRIVATE, f"sendMessage{n}", Priority.FINAL) for n in range(12)))
        return [method for _, _, method in telegram.arrived]

    assert run(scenario()) == [f"sendMessage{n}" for n in range(12)]


CALLS = st.lists(
    st.tuples(
        st.sampled_from([PRIVATE, 8, GROUP]),
        st.sampled_from(["sendMessage", "sendMessageDraft", "editMessageText", "sendChatAction"]),
        st.floats(0, 2),
    ),
    max_size=120,
)


@settings(max_examples=40)
@given(CALLS, st.floats(0, 0.4))
def test_no_window_exceeds_telegrams_limits(calls: list[tuple[int, str, float]], lag: float) -> None:
    async def scenario() -> Telegram:
        telegram, tasks = Telegram(lambda number: lag * (number % 3) / 2), []
        for chat, method, pause in calls:
            preview = Priority.PREVIEW if method == "editMessageText" else None
            tasks.append(asyncio.create_task(telegram.call(chat, method, preview)))
            await asyncio.sleep(pause)
        await asyncio.gather(*tasks)
        return telegram

    arrived = run(scenario()).arrived
    for chat in (PRIVATE, 8):
        drafts = [t for t, c, m in arrived if c == chat and m in {"sendMessageDraft", "sendChatAction"}]
        assert most_within(drafts, 5) <= 20
        assert most_within(drafts, 30) <= 40
        visible = [t for t, c, m in arrived if c == chat and m in {"sendMessage", "editMessageText"}]
        assert most_within(visible, 5) <= 8
    assert most_within([t for t, c, m in arrived if c == GROUP and m != "sendMessageDraft"], 60) <= 20


def test_idle_chats_are_forgotten() -> None:
    async def scenario() -> int:
        telegram = Telegram()
        for chat in range(1, 50):
            await telegram.call(chat, "sendMessageDraft")
        await asyncio.sleep(120)
        await telegram.call(1000)
        return len(telegram.limiter._chats)

    assert run(scenario()) == 1
