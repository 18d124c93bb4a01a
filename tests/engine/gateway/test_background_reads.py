"""Readers that leave: the charge, the background read and the waste."""

import asyncio

import pytest

from engine.attempt_record import ABANDONED, CLOSING, STOPPED, UNREAD
from engine.chat import Delta, Usage
from engine.errors import Closing
from tests.engine.scripted import END, NEVER, AnswerSetup, ScriptedProvider, cost, deltas, paid, whole


async def test_stopped_answer_is_charged_for_its_delivered_part_and_closed() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("one two"), NEVER()]))
    answer, hold = setup.answer()
    await anext(answer)
    answer.stop()
    assert [event async for event in answer][-1:] == [Delta("two ")]
    assert (setup.open, hold.voided) == (0, False)
    assert hold.bill is not None
    assert hold.bill.attempt.outcome == STOPPED
    assert paid(hold).estimated
    assert answer.completion is not None
    assert answer.completion.stopped


async def test_answer_left_before_the_first_content_is_not_charged() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [NEVER()]))
    answer, hold = setup.answer()
    while not setup.open:
        await asyncio.sleep(0)
    await answer.leave()
    assert (hold.voided, hold.bill, setup.open) == (True, None, 0)
    assert setup.journal.outcomes() == [("one", ABANDONED)]


async def test_stopped_answer_is_read_on_where_closing_does_not_stop_its_bill() -> None:
    go_on = asyncio.Event()
    script = [Usage(10, 1), *deltas("one"), go_on, *deltas("two three four"), END, Usage(10, 40)]
    setup = AnswerSetup(ScriptedProvider("one", script, close_stops_bill=False))
    answer, hold = setup.answer()
    await anext(answer)
    await answer.leave()
    assert paid(hold) == Usage(10, 1)
    assert setup.open == 1
    go_on.set()
    await setup.background_reads_done()
    [rest] = setup.journal.records
    assert (rest.outcome, rest.kept, rest.usage) == (UNREAD, False, Usage(0, 39))
    assert rest.waste == rest.cost == cost(Usage(10, 40)) - cost(Usage(10, 1))
    assert hold.bill is not None
    assert rest.ordinal != hold.bill.attempt.ordinal
    assert setup.open == 0


async def test_abandoned_answer_is_waste_to_its_end() -> None:
    go_on = asyncio.Event()
    setup = AnswerSetup(ScriptedProvider("one", [go_on, *whole("a b", tokens=(10, 40))], close_stops_bill=False))
    answer, hold = setup.answer()
    while not setup.open:
        await asyncio.sleep(0)
    await answer.leave()
    go_on.set()
    await setup.background_reads_done()
    assert hold.voided
    [line] = setup.journal.records
    assert (line.outcome, line.waste) == (ABANDONED, cost(Usage(10, 40)))


async def test_background_read_is_bounded_and_then_estimated() -> None:
    for bound in ("time", "room"):
        setup = AnswerSetup(
            ScriptedProvider("one", [*deltas("one two three"), NEVER()], close_stops_bill=False),
            background_seconds=0.01,
        )
        if bound == "room":
            setup.market.background_reads._most = 0
        answer, hold = setup.answer()
        await anext(answer)
        await answer.leave()
        await setup.background_reads_done()
        assert setup.open == 0
        assert hold.bill is not None
        [rest] = setup.journal.records
        assert rest.usage == Usage(0, 3, estimated=True)


async def test_closing_journals_every_background_read() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [Usage(10, 2), *deltas("one"), NEVER()], close_stops_bill=False))
    answer, _ = setup.answer()
    await anext(answer)
    await answer.leave()
    await setup.market.background_reads.aclose()
    assert setup.open == 0
    assert not setup.market.background_reads.take(asyncio.current_task(), setup.market.background_reads.aclose)  # type: ignore[arg-type]


async def test_answer_aborted_by_the_process_is_not_charged() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("one"), NEVER()]))
    answer, hold = setup.answer()
    await anext(answer)
    answer.abort()
    with pytest.raises(Closing):
        [event async for event in answer]
    assert (hold.voided, hold.bill) == (True, None)
    assert setup.journal.outcomes() == [("one", CLOSING)]
