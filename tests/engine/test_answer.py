"""How an answer can end, and what each end costs whom."""

import asyncio

import pytest

from engine.attempt import ABANDONED, CLOSING, HEDGED, STOPPED, UNREAD
from engine.catalog import Offer
from engine.chat import Delta, Event, Finished, Restart, Usage
from engine.errors import (
    AnswerCut,
    Closing,
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
from engine.hedging import Hedging
from engine.money import Money
from tests.engine.scripted import END, PRICE, Held, Scripted, Stage, Step, whole, words

NEVER = asyncio.Event


def shown(events: list[Event]) -> str:
    """What a reader who can take words back has before them at the end."""
    text = ""
    for event in events:
        text = "" if isinstance(event, Restart) else text + (event.text if isinstance(event, Delta) else "")
    return text


def cost(usage: Usage) -> Money:
    return Money.from_atto(PRICE.cost_atto(usage))


def paid(held: Held) -> Usage:
    assert held.bill is not None
    assert held.bill.attempt.usage is not None
    return held.bill.attempt.usage


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


# --- time ---------------------------------------------------------------------------------------------


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


# --- a reader who leaves ------------------------------------------------------------------------------


async def test_who_stops_pays_for_what_was_delivered_and_the_socket_is_closed() -> None:
    stage = Stage(Scripted("one", [*words("one two"), NEVER()]))
    answer, held = stage.answer()
    await anext(answer)
    answer.stop()
    assert [event async for event in answer][-1:] == [Delta("two ")]
    assert (stage.open, held.voided) == (0, False)
    assert held.bill is not None
    assert held.bill.attempt.outcome == STOPPED
    assert paid(held).estimated
    assert answer.completion is not None
    assert answer.completion.stopped


async def test_who_leaves_before_the_first_word_pays_nothing() -> None:
    stage = Stage(Scripted("one", [NEVER()]))
    answer, held = stage.answer()
    await asyncio.sleep(0)
    await answer.leave()
    assert (held.voided, held.bill, stage.open) == (True, None, 0)
    assert stage.book.told() in ([], [("one", ABANDONED)])


async def test_where_hanging_up_does_not_stop_the_bill_it_is_read_on_and_the_rest_is_waste() -> None:
    go_on = asyncio.Event()
    script = [Usage(10, 1), *words("one"), go_on, *words("two three four"), END, Usage(10, 40)]
    stage = Stage(Scripted("one", script, close_stops_bill=False))
    answer, held = stage.answer()
    await anext(answer)
    await answer.leave()
    assert paid(held) == Usage(10, 1)
    assert stage.open == 1
    go_on.set()
    await stage.drained()
    [rest] = stage.book.lines
    assert (rest.outcome, rest.kept, rest.usage) == (UNREAD, False, Usage(0, 39))
    assert rest.waste == rest.cost == cost(Usage(10, 40)) - cost(Usage(10, 1))
    assert rest.ordinal != held.bill.attempt.ordinal if held.bill else False
    assert stage.open == 0


async def test_a_whole_answer_that_nobody_waits_for_is_waste_to_its_end() -> None:
    go_on = asyncio.Event()
    stage = Stage(Scripted("one", [go_on, *whole("a b", tokens=(10, 40))], close_stops_bill=False))
    answer, held = stage.answer()
    while not stage.open:
        await asyncio.sleep(0)
    await answer.leave()
    go_on.set()
    await stage.drained()
    assert held.voided
    [line] = stage.book.lines
    assert (line.outcome, line.waste) == (ABANDONED, cost(Usage(10, 40)))


async def test_reading_on_has_a_bound_and_is_then_estimated() -> None:
    for bound in ("time", "room"):
        stage = Stage(Scripted("one", [*words("one two three"), NEVER()], close_stops_bill=False), drain=0.01)
        if bound == "room":
            stage.market.drains._most = 0
        answer, held = stage.answer()
        await anext(answer)
        await answer.leave()
        await stage.drained()
        assert stage.open == 0
        assert held.bill is not None
        assert all(line.usage and line.usage.estimated for line in stage.book.lines)


async def test_stopping_the_house_writes_down_every_bill_that_is_still_read() -> None:
    stage = Stage(Scripted("one", [Usage(10, 2), *words("one"), NEVER()], close_stops_bill=False))
    answer, _ = stage.answer()
    await anext(answer)
    await answer.leave()
    await stage.market.drains.aclose()
    assert stage.open == 0
    assert not stage.market.drains.take(asyncio.current_task(), stage.market.drains.aclose)  # type: ignore[arg-type]


async def test_a_process_that_stops_charges_nothing() -> None:
    stage = Stage(Scripted("one", [*words("one"), NEVER()]))
    answer, held = stage.answer()
    await anext(answer)
    answer.abort()
    with pytest.raises(Closing):
        [event async for event in answer]
    assert (held.voided, held.bill) == (True, None)
    assert stage.book.told() == [("one", CLOSING)]


# --- hedging ------------------------------------------------------------------------------------------


def hedging(*names: str, share: float = 1.0) -> Hedging:
    """That knows each offer to speak at once."""
    known = Hedging(share)
    for name in names:
        for _ in range(20):
            known.heard(Offer(name, "m"), 1)
    return known


async def test_a_late_first_word_has_a_second_offer_asked_and_the_losers_bill_is_waste() -> None:
    slow = Scripted("one", [Usage(10, 3), NEVER()])
    stage = Stage(slow, Scripted("two", whole("quick")), hedging=hedging("one"))
    answer, held = stage.answer(can_restart=False)
    assert shown([event async for event in answer]) == "quick "
    assert answer.offer == Offer("two", "m")
    assert held.bill is not None
    [line] = stage.book.lines
    assert (line.provider, line.outcome, line.waste) == ("one", HEDGED, cost(Usage(10, 3)))
    assert stage.open == 0


async def test_the_first_to_speak_wins_even_when_it_was_late() -> None:
    speak = asyncio.Event()
    stage = Stage(Scripted("one", [speak, *whole("late")]), Scripted("two", [NEVER()]), hedging=hedging("one"))
    answer, _ = stage.answer()
    while not stage.providers[1].calls:
        await asyncio.sleep(0)
    speak.set()
    assert shown([event async for event in answer]) == "late "
    assert stage.book.told() == [("two", HEDGED)]
    assert stage.open == 0


async def test_one_that_fails_in_a_race_leaves_the_other_to_go_on() -> None:
    fail = asyncio.Event()
    stage = Stage(
        Scripted("one", [fail, Overloaded("x")]), Scripted("two", [fail, *whole("fine")]), hedging=hedging("one")
    )
    answer, _ = stage.answer()
    while not stage.providers[1].calls:
        await asyncio.sleep(0)
    fail.set()
    assert shown([event async for event in answer]) == "fine "
    assert ("one", "overloaded") in stage.book.told() or ("one", HEDGED) in stage.book.told()
    assert len(stage.providers[1].calls) == 1


async def test_few_prompts_are_hedged_and_none_by_default() -> None:
    rare = hedging("one", share=0.02)
    for _ in range(100):
        rare.prompt()
    assert [rare.take() for _ in range(3)] == [True, True, False]
    assert rare.patience_seconds(Offer("one", "m")) is None
    assert hedging("one", share=1.0).patience_seconds(Offer("two", "m")) is None
    stage = Stage(Scripted("one", [NEVER()]), Scripted("two", whole("fine")), first=0.02)
    answer, _ = stage.answer()
    await answer.whole()
    assert stage.book.told() == [("one", "timeout")]


async def test_who_leaves_during_a_race_hangs_up_on_both() -> None:
    stage = Stage(Scripted("one", [NEVER()]), Scripted("two", [NEVER()]), hedging=hedging("one"))
    answer, held = stage.answer()
    while not stage.providers[1].calls:
        await asyncio.sleep(0)
    await answer.leave()
    assert (stage.open, held.voided) == (0, True)
    assert sorted(stage.book.told()) == [("one", ABANDONED), ("two", ABANDONED)]
