"""How an answer can end, and what each end costs whom."""

import asyncio

import pytest

from engine.catalog.offers import Offer
from engine.chat import Delta, Finished, Restart, Usage
from engine.errors import (
    AnswerCut,
    ContextTooLong,
    EmptyAnswer,
    Garbled,
    NoProvider,
    Overloaded,
    RateLimited,
    RequestFault,
    RequestRejected,
    StreamCut,
    Unreachable,
)
from engine.money import Money
from tests.engine.scripted import END, NEVER, Scripted, Stage, Step, cost, paid, shown, whole, words


async def test_a_whole_answer_is_paid_as_reported() -> None:
    stage = Stage(Scripted("one", whole("a b c", tokens=(12, 3))))
    answer, held = stage.answer()
    events = [event async for event in answer]
    assert shown(events) == "a b c "
    assert events[-1] == END
    assert paid(held) == Usage(12, 3)
    assert stage.book.lines == []


async def test_a_failure_before_the_first_word_is_never_seen() -> None:
    stage = Stage(Scripted("one", [Overloaded("x", status=503)]), Scripted("two", whole("fine")))
    answer, held = stage.answer(can_restart=False)
    events = [event async for event in answer]
    assert not any(isinstance(event, Restart) for event in events)
    assert shown(events) == "fine "
    assert stage.book.told() == [("one", "overloaded")]
    assert held.bill is not None


async def test_after_a_cut_the_text_is_the_seconds_and_the_firsts_cost_is_waste() -> None:
    cut = [*words("these words are lost"), Usage(10, 4), StreamCut("x")]
    stage = Stage(Scripted("one", cut), Scripted("two", whole("these words stay", tokens=(9, 3))))
    answer, held = stage.answer()
    events = [event async for event in answer]
    assert shown(events) == "these words stay "
    assert answer.completion is not None
    assert answer.completion.text == "these words stay "
    assert paid(held) == Usage(9, 3)
    [lost] = stage.book.lines
    assert (lost.outcome, lost.waste, lost.kept) == ("cut", cost(Usage(10, 4)), False)


async def test_a_cut_without_usage_is_wasted_by_estimate() -> None:
    stage = Stage(Scripted("one", [*words("these words are lost"), StreamCut("x")]), Scripted("two", whole("ok")))
    answer, _ = stage.answer()
    await answer.whole()
    [lost] = stage.book.lines
    assert lost.usage is not None
    assert lost.usage.estimated
    assert lost.waste == cost(lost.usage) > Money(0)


async def test_who_cannot_take_words_back_gets_an_error_and_pays_nothing() -> None:
    stage = Stage(Scripted("one", [*words("half an"), StreamCut("x")]), Scripted("two", whole("unasked")))
    answer, held = stage.answer(can_restart=False)
    with pytest.raises(AnswerCut):
        [event async for event in answer]
    assert (held.voided, held.bill, stage.providers[1].calls) == (True, None, [])


@pytest.mark.parametrize("error", [EmptyAnswer(), Garbled("x"), RateLimited("x"), ContextTooLong("x")])
async def test_each_failure_of_one_is_the_turn_of_the_next(error: Exception) -> None:
    stage = Stage(Scripted("one", [error]), Scripted("two", whole("fine")))
    answer, _ = stage.answer()
    await answer.whole()
    assert answer.offer == Offer("two", "m")


async def test_the_requests_own_fault_is_told_at_once() -> None:
    stage = Stage(Scripted("one", [RequestFault("bad")]), Scripted("two", whole("unasked")))
    answer, held = stage.answer()
    with pytest.raises(RequestRejected):
        await answer.whole()
    assert (held.voided, stage.providers[1].calls) == (True, [])


async def test_with_nobody_left_it_is_no_provider_and_nothing_is_charged() -> None:
    stage = Stage(Scripted("one", [Overloaded("x")]), Scripted("two", [StreamCut("x")]))
    answer, held = stage.answer()
    with pytest.raises(NoProvider) as failed:
        await answer.whole()
    assert failed.value.tried == ("one: overloaded", "two: cut")
    assert held.voided
    assert stage.book.told()[-1] == ("none", "no_provider")


@pytest.mark.parametrize(
    "absurd",
    [None, Usage(-1, 5), Usage(10, -5), Usage(10**9, 5), Usage(10, 999_999), Usage(0, 0), Usage(10, 5, 11)],
)
async def test_usage_that_is_missing_or_absurd_is_estimated_within_the_hold(absurd: Usage | None) -> None:
    stage = Stage(Scripted("one", [*words("a few words"), END, *([absurd] if absurd else [])]))
    answer, held = stage.answer(output=100)
    await answer.whole()
    assert paid(held).estimated
    assert 0 < paid(held).input_tokens <= 200
    assert 0 < paid(held).output_tokens <= 100


async def test_an_ending_is_told_once_and_a_missing_one_is_made_up() -> None:
    stage = Stage(Scripted("one", [*words("hi"), END, END, Usage(1, 1)], [*words("hi"), Usage(1, 1)]))
    for _ in range(2):
        answer, _ = stage.answer()
        assert [event for event in [event async for event in answer] if isinstance(event, Finished)] == [END]


async def test_a_choice_that_nobody_asked_for_is_garbage() -> None:
    stage = Stage(Scripted("one", [Delta("x", 10**9), END]), Scripted("two", whole("fine")))
    answer, _ = stage.answer()
    await answer.whole()
    assert stage.book.told() == [("one", "garbled")]


async def test_no_first_word_in_time_is_the_next_ones_turn() -> None:
    stage = Stage(Scripted("one", [NEVER()]), Scripted("two", whole("fine")), first=0.02)
    answer, _ = stage.answer()
    await answer.whole()
    assert stage.book.told() == [("one", "timeout")]
    assert stage.open == 0


async def test_silence_within_an_answer_is_a_restart() -> None:
    stage = Stage(Scripted("one", [*words("half"), NEVER()]), Scripted("two", whole("fine")), idle=0.02)
    answer, _ = stage.answer()
    assert shown([event async for event in answer]) == "fine "
    assert stage.book.told() == [("one", "silence")]


@pytest.mark.parametrize("last", [NEVER(), Unreachable("reset")])
async def test_after_the_finish_reason_no_end_marker_is_waited_for(last: asyncio.Event | Exception) -> None:
    script: list[Step] = [*words("all said"), END, Usage(10, 2), last]
    stage = Stage(Scripted("one", script), Scripted("two", whole("unasked")), idle=0.02)
    answer, held = stage.answer(can_restart=False)
    assert shown([event async for event in answer]) == "all said "
    assert paid(held) == Usage(10, 2)
    assert (stage.open, stage.book.lines) == (0, [])


async def test_thoughts_keep_a_stream_alive() -> None:
    thoughts = [Delta(thinking="hm")] * 5
    stage = Stage(Scripted("one", [*thoughts, *whole("so")]))
    answer, held = stage.answer()
    assert shown([event async for event in answer]) == "so "
    assert held.bill is not None
