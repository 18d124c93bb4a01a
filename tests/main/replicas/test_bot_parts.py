"""Telegram's budgets and stops, passed from one process to another."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

from telegram.error import RetryAfter

from bot.delivery.rate_limiter import Priority, RateLimiter
from bot.running_answers import RunningAnswers
from engine.gateway.answer import Answer
from main.replicas.bot_parts import StopPart, TelegramPart, bot_parts
from tests.bot.virtual import run

GROUP, ANN = -100, 7


async def sent() -> bool:
    return True


async def refused() -> bool:
    raise RetryAfter(30)


async def call(
    limiter: RateLimiter,
    chat: int,
    endpoint: str = "sendMessage",
    made: Any = sent,
    priority: Priority = Priority.FINAL,
) -> None:
    await limiter.process_request(made, (), {}, endpoint, {"chat_id": chat}, priority)


def test_calls_to_a_chat_count_in_all_processes() -> None:
    async def scenario() -> None:
        one, two = RateLimiter(), RateLimiter()
        parts = TelegramPart(one), TelegramPart(two)
        for _ in range(3):
            await call(one, GROUP)
        await call(one, ANN, "sendMessageDraft")
        told = json.loads(json.dumps(parts[0].take()))
        assert sorted(told) == [[GROUP, 3, 0, 0.0], [ANN, 0, 1, 0.0]]
        assert parts[0].take() == []
        parts[1].apply(told, 0.2)
        parts[1].apply(told, 100.0)
        group = two._chat(GROUP).group
        assert group is not None
        assert group.left(asyncio.get_running_loop().time()) == 17
        assert two._chat(ANN).drafts[0].left(asyncio.get_running_loop().time()) == 17
        assert parts[1].take() == []

    run(scenario())


def test_ban_of_a_chat_holds_in_all_processes() -> None:
    async def scenario() -> None:
        one, two = RateLimiter(), RateLimiter()
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(call(one, ANN, made=refused))
        while not (told := TelegramPart(one).take()) or not told[0][3]:
            await asyncio.sleep(0.01)
        TelegramPart(two).apply(told, 0.5)
        began = loop.time()
        await call(two, ANN)
        assert 29 < loop.time() - began < 31
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert TelegramPart(two).take() == [(ANN, 1, 0, 0.0)]  # it received the ban, and does not send it on

    run(scenario())


def test_wait_of_the_whole_bot_holds_in_all_processes() -> None:
    async def scenario() -> None:
        one, two = RateLimiter(), RateLimiter()
        loop, parts = asyncio.get_running_loop(), (TelegramPart(one), TelegramPart(two))
        one._gate.shut(loop.time() + 10)
        told = json.loads(json.dumps(parts[0].take()))
        assert parts[0].take() == []
        parts[1].apply(told, 2.0)
        began = loop.time()
        await call(two, ANN, priority=Priority.NOTICE)  # a final would pass as a probe
        assert 7.5 < loop.time() - began < 8.5
        assert [each[0] for each in parts[1].take()] == [ANN]  # it does not send received facts on

    run(scenario())


def test_processes_share_the_rate_of_the_whole_bot() -> None:
    async def scenario(processes: int) -> float:
        limiter, loop = RateLimiter(burst=1, per_second=20), asyncio.get_running_loop()
        limiter.share(processes)
        began = loop.time()
        await asyncio.gather(*(call(limiter, chat) for chat in range(1, 42)))
        return loop.time() - began

    assert [round(run(scenario(processes))) for processes in (1, 2, 4)] == [2, 4, 8]


def test_stop_reaches_the_process_that_answers() -> None:
    stopped: list[int] = []
    answer = cast(Answer, SimpleNamespace(stop=lambda: stopped.append(1)))
    one, two = RunningAnswers(), RunningAnswers()
    parts = StopPart(one), StopPart(two)
    with two.running(ANN, 0, ANN, answer):
        assert not one.stop(ANN, 0, ANN)
        told = json.loads(json.dumps(parts[0].take()))
        parts[1].apply(told, 90.0)
        assert stopped == []
        parts[1].apply(told, 0.1)
    assert stopped == [1]
    assert parts[1].take() == []  # it tells nobody on
    assert set(bot_parts(RateLimiter(), one)) == {"telegram", "stops"}
