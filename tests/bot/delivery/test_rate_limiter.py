import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
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


def test_several_refused_chats_stall_notices_but_no_payments_and_buttons() -> None:
    async def scenario() -> tuple[float, float]:
        telegram = Telegram()
        for chat in (1, 2, 3):
            telegram.refusals[chat] = [20.0]
        refused = [asyncio.create_task(telegram.call(chat)) for chat in (1, 2, 3)]
        await asyncio.sleep(0.5)
        now = asyncio.get_running_loop().time
        begun = now()
        await telegram.call(4, "answerPreCheckoutQuery")
        await telegram.call(4, "answerCallbackQuery")
        payment = now() - begun
        await telegram.call(4, priority=Priority.NOTICE)
        message = now() - begun
        await asyncio.gather(*refused)
        return payment, message

    payment, message = run(scenario())
    assert payment < 1
    assert message > 19


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


def test_refused_chats_do_not_stall_the_others_while_telegram_accepts_calls() -> None:
    async def scenario() -> list[float]:
        telegram, waits = Telegram(), []
        for chat in (5, 7, 9):
            telegram.refusals[chat] = [20.0]
        now = asyncio.get_running_loop().time
        tasks = []
        for chat in range(1, 41):
            tasks.append(asyncio.create_task(telegram.call(chat)))
            await asyncio.sleep(0.1)
        for chat in range(50, 60):
            begun = now()
            await telegram.call(chat)
            waits.append(now() - begun)
        await asyncio.gather(*tasks)
        return waits

    assert max(run(scenario())) < 0.5


def test_draft_to_another_chat_ends_a_wait_that_concerned_single_chats() -> None:
    async def scenario() -> tuple[int, float]:
        telegram = Telegram()
        for chat in (5, 6, 7):
            telegram.refusals[chat] = [20.0]
            await telegram.call(chat, "sendMessageDraft")
        begun = asyncio.get_running_loop().time()
        await telegram.call(6, "sendMessageDraft")
        before = len(telegram.arrived)
        await telegram.call(8, "sendMessageDraft")
        await telegram.call(9)
        return len(telegram.arrived) - before, asyncio.get_running_loop().time() - begun

    arrived, seconds = run(scenario())
    assert arrived == 2
    assert seconds < 1


def test_drafts_probe_ever_less_often_while_all_are_refused() -> None:
    async def scenario() -> list[float]:
        telegram = Telegram()
        for chat in range(1, 200):
            telegram.refusals[chat] = [20.0]
        for chat in (1, 2, 3):
            await telegram.call(chat, "sendMessageDraft")
        begun, before = asyncio.get_running_loop().time(), len(telegram.arrived)
        for chat in range(4, 160):
            await telegram.call(chat, "sendMessageDraft")
            await asyncio.sleep(0.1)
        return [when - begun for when, _, _ in telegram.arrived[before:]]

    probes = run(scenario())
    assert len(probes) <= 6
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(probes))


def test_burst_with_three_refused_chats_delays_no_other_chat_for_long() -> None:
    async def scenario() -> dict[int, float]:
        telegram = Telegram()
        for chat in (5, 6, 7):
            telegram.refusals[chat] = [20.0]
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*(telegram.call(chat) for chat in range(1, 41)))
        return {chat: when - begun for when, chat, _ in telegram.arrived if chat > 7}

    assert max(run(scenario()).values()) < 2.5


def test_accepted_call_opens_the_gate_for_the_calls_that_wait() -> None:
    async def accepted_late() -> bool:
        await asyncio.sleep(2.0)
        return True

    async def scenario() -> float:
        telegram = Telegram()
        for chat in (1, 2, 3):
            telegram.refusals[chat] = [20.0]
        slow = telegram.limiter.process_request(accepted_late, (), {}, "sendMessage", {"chat_id": 9}, None)
        tasks = [asyncio.create_task(slow), *(asyncio.create_task(telegram.call(chat)) for chat in (1, 2, 3))]
        await asyncio.sleep(0.5)
        begun = asyncio.get_running_loop().time()
        await telegram.call(4, priority=Priority.NOTICE)
        waited = asyncio.get_running_loop().time() - begun
        await asyncio.gather(*tasks)
        return waited

    assert 1.4 < run(scenario()) < 2.0


def test_refusals_of_everybody_count_again_after_an_accepted_call() -> None:
    async def scenario() -> float:
        telegram = Telegram()
        for chat in (2, 3, 4):
            telegram.refusals[chat] = [20.0]
        await telegram.call(1)
        refused = [asyncio.create_task(telegram.call(chat)) for chat in (2, 3, 4)]
        await asyncio.sleep(0.5)
        begun = asyncio.get_running_loop().time()
        await telegram.call(5, priority=Priority.NOTICE)
        waited = asyncio.get_running_loop().time() - begun
        await asyncio.gather(*refused)
        return waited

    assert run(scenario()) > 19


@pytest.mark.parametrize("priority", [Priority.FINAL, Priority.REPLY])
def test_answer_to_a_chat_without_a_refusal_goes_at_once_while_all_wait(priority: Priority) -> None:
    async def scenario() -> tuple[float, float]:
        telegram = Telegram()
        for chat in (2, 3, 4):
            telegram.refusals[chat] = [20.0]
        refused = [asyncio.create_task(telegram.call(chat)) for chat in (2, 3, 4)]
        await asyncio.sleep(0.5)
        notice = asyncio.create_task(telegram.call(5, priority=Priority.NOTICE))
        await asyncio.sleep(0.1)
        begun = asyncio.get_running_loop().time()
        await telegram.call(6, "editMessageText", priority)
        answered = asyncio.get_running_loop().time() - begun
        await notice
        noticed = asyncio.get_running_loop().time() - begun
        await asyncio.gather(*refused)
        return answered, noticed

    answered, noticed = run(scenario())
    assert answered < 0.3
    assert noticed < 0.5


def test_answers_probe_ever_less_often_while_all_are_refused() -> None:
    async def scenario() -> list[float]:
        telegram = Telegram()
        for chat in range(1, 60):
            telegram.refusals[chat] = [20.0]
        calls = [asyncio.create_task(telegram.call(chat, priority=Priority.FINAL)) for chat in (1, 2, 3)]
        await asyncio.sleep(0.5)
        begun, before = asyncio.get_running_loop().time(), len(telegram.arrived)
        calls += [asyncio.create_task(telegram.call(chat, priority=Priority.FINAL)) for chat in range(4, 60)]
        await asyncio.sleep(19)
        probes = [when - begun for when, _, _ in telegram.arrived[before:]]
        telegram.refusals.clear()
        await asyncio.gather(*calls)
        return probes

    probes = run(scenario())
    assert 1 <= len(probes) <= 6
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(probes))
