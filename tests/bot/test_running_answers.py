import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from bot import running_answers
from bot.running_answers import RunningAnswers
from engine.gateway.answer import Answer

CHAT, OTHER = 7, 8
ANN, BAO = 1001, 1002


class Stoppable:
    """An answer that records its stop."""

    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def answers() -> dict[tuple[int, int], Stoppable]:
    return {(CHAT, 0): Stoppable(), (CHAT, 5): Stoppable(), (OTHER, 0): Stoppable()}


@pytest.fixture
def running(answers: dict[tuple[int, int], Stoppable]) -> Iterator[RunningAnswers]:
    made = RunningAnswers()
    with ExitStack() as stack:
        for (chat, thread), answer in answers.items():
            stack.enter_context(made.running(chat, thread, ANN, cast(Answer, answer)))
        yield made


def stopped(answers: dict[tuple[int, int], Any]) -> set[tuple[int, int]]:
    return {place for place, answer in answers.items() if answer.stopped}


def test_stop_reaches_the_answer_of_one_thread_only(
    running: RunningAnswers, answers: dict[tuple[int, int], Stoppable]
) -> None:
    assert running.stop(CHAT, 0)
    assert stopped(answers) == {(CHAT, 0)}


def test_stop_without_a_thread_reaches_the_whole_chat(
    running: RunningAnswers, answers: dict[tuple[int, int], Stoppable]
) -> None:
    assert running.stop(CHAT)
    assert stopped(answers) == {(CHAT, 0), (CHAT, 5)}


def test_stop_of_one_user_leaves_the_answers_of_others(running: RunningAnswers) -> None:
    mine, others = Stoppable(), Stoppable()
    with running.running(OTHER, 1, ANN, cast(Answer, mine)), running.running(OTHER, 1, BAO, cast(Answer, others)):
        assert not running.stop(OTHER, 1, ANN + 5)
        assert running.stop(OTHER, 1, ANN)
        assert (mine.stopped, others.stopped) == (True, False)
        assert running.has_any(OTHER, 1)


def test_ended_answer_is_not_stopped(running: RunningAnswers) -> None:
    ended = Stoppable()
    with running.running(OTHER, 9, ANN, cast(Answer, ended)):
        assert running.has_any(OTHER, 9)
    assert not running.has_any(OTHER, 9)
    assert not running.stop(OTHER, 9)
    assert not ended.stopped


def test_shortened_conversation_is_new_once_in_each_thread() -> None:
    running = RunningAnswers()
    assert [running.is_first_shortening(CHAT, thread) for thread in (0, 0, 1)] == [True, False, True]


def test_shortened_conversations_are_forgotten_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_answers, "MOST_REMEMBERED", 2)
    running = RunningAnswers()
    assert [running.is_first_shortening(chat, 0) for chat in (1, 2, 2, 1)] == [True, True, False, True]


async def test_answers_of_one_thread_take_turns(running: RunningAnswers) -> None:
    log: list[str] = []
    first_is_in, first_may_go = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with running.turn(CHAT, 0):
            first_is_in.set()
            await first_may_go.wait()
            log.append("first")

    async def other(chat: int) -> None:
        async with running.turn(chat, 0):
            log.append(f"chat {chat}")

    tasks = [asyncio.create_task(first())]
    await first_is_in.wait()
    tasks.append(asyncio.create_task(other(CHAT)))
    await other(OTHER)
    first_may_go.set()
    await asyncio.gather(*tasks)
    assert log == [f"chat {OTHER}", "first", f"chat {CHAT}"]
    assert running._turns == {}
