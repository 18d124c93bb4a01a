"""The gate of the whole bot: shut after several refused chats, and opened by an accepted probe."""

import asyncio
from itertools import pairwise

import pytest

from bot.delivery.rate_limiter import Priority
from tests.bot.delivery.test_rate_limiter import Telegram
from tests.bot.virtual import run


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
