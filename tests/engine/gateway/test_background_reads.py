"""A reader who leaves: what is paid, what is read on, what is waste."""

import asyncio

import pytest

from engine.attempt_record import ABANDONED, CLOSING, STOPPED, UNREAD
from engine.chat import Delta, Usage
from engine.errors import Closing
from tests.engine.scripted import END, NEVER, Scripted, Stage, cost, paid, whole, words


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
    while not stage.open:
        await asyncio.sleep(0)
    await answer.leave()
    assert (held.voided, held.bill, stage.open) == (True, None, 0)
    assert stage.book.told() == [("one", ABANDONED)]


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
    assert held.bill is not None
    assert rest.ordinal != held.bill.attempt.ordinal
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
            stage.market.background_reads._most = 0
        answer, held = stage.answer()
        await anext(answer)
        await answer.leave()
        await stage.drained()
        assert stage.open == 0
        assert held.bill is not None
        [rest] = stage.book.lines
        assert rest.usage == Usage(0, 3, estimated=True)


async def test_stopping_the_house_writes_down_every_bill_that_is_still_read() -> None:
    stage = Stage(Scripted("one", [Usage(10, 2), *words("one"), NEVER()], close_stops_bill=False))
    answer, _ = stage.answer()
    await anext(answer)
    await answer.leave()
    await stage.market.background_reads.aclose()
    assert stage.open == 0
    assert not stage.market.background_reads.take(asyncio.current_task(), stage.market.background_reads.aclose)  # type: ignore[arg-type]


async def test_a_process_that_stops_charges_nothing() -> None:
    stage = Stage(Scripted("one", [*words("one"), NEVER()]))
    answer, held = stage.answer()
    await anext(answer)
    answer.abort()
    with pytest.raises(Closing):
        [event async for event in answer]
    assert (held.voided, held.bill) == (True, None)
    assert stage.book.told() == [("one", CLOSING)]
