"""Readers that leave: the charge, the background read and the waste."""

import asyncio

import pytest

from engine.attempt_record import ABANDONED, CLOSING, STOPPED, UNREAD
from engine.catalog.offers import Offer
from engine.chat import Delta, Restart, Usage
from engine.errors import Closing, Overloaded, StreamCut
from engine.gateway.background_reads import BackgroundReads
from engine.routing.health import Permit
from tests.engine.clock import HandClock
from tests.engine.scripted import END, NEVER, AnswerSetup, ScriptedProvider, Step, cost, deltas, paid, whole


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
    for bound in ("time", "number"):
        setup = AnswerSetup(
            ScriptedProvider("one", [*deltas("one two three"), NEVER()], close_stops_bill=False),
            background_seconds=0.01,
        )
        if bound == "number":
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


async def test_stopped_answer_is_not_charged_while_its_restart_is_not_taken() -> None:
    second = [*deltas("never taken"), NEVER()]
    setup = AnswerSetup(
        ScriptedProvider("one", [*deltas("first half"), StreamCut("x")]), ScriptedProvider("two", second)
    )
    answer, hold = setup.answer()
    assert await anext(answer) == Delta("first ")
    while answer.offer != Offer("two", "m"):
        await asyncio.sleep(0)
    await answer.leave()
    assert (hold.voided, hold.bill) == (True, None)
    assert setup.journal.outcomes() == [("one", "cut"), ("two", ABANDONED)]


async def test_stopped_answer_is_charged_for_the_part_after_its_restart() -> None:
    second = [*deltas("taken not"), NEVER()]
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("half"), StreamCut("x")]), ScriptedProvider("two", second))
    answer, hold = setup.answer()
    assert [await anext(answer) for _ in range(3)] == [Delta("half "), Restart("two", "m"), Delta("taken ")]
    await answer.leave()
    assert answer.completion is not None
    assert (answer.completion.provider, answer.completion.text) == ("two", "taken ")
    assert hold.bill is not None
    assert hold.bill.attempt.provider == "two"


async def test_nothing_is_delivered_after_the_stop_was_settled() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("one two three"), NEVER()]))
    answer, _ = setup.answer()
    await anext(answer)
    await answer.leave()
    assert [event async for event in answer] == []
    assert answer.completion is not None
    assert answer.completion.text == "one "


async def test_failed_background_read_is_still_journaled() -> None:
    go_on = asyncio.Event()
    script: list[Step] = [Usage(10, 1), *deltas("one"), go_on, *deltas("two three"), StreamCut("x")]
    setup = AnswerSetup(ScriptedProvider("one", script, close_stops_bill=False))
    answer, _ = setup.answer()
    await anext(answer)
    await answer.leave()
    go_on.set()
    await setup.background_reads_done()
    [rest] = setup.journal.records
    assert (rest.outcome, rest.usage) == (UNREAD, Usage(0, 3, estimated=True))


async def test_reads_are_taken_up_to_their_number() -> None:
    reads = BackgroundReads(most=1, seconds=5)
    go_on = asyncio.Event()
    done: list[str] = []

    async def journal() -> None:
        done.append("journaled")

    async def read() -> None:
        await go_on.wait()

    tasks = [asyncio.create_task(read()) for _ in range(2)]
    assert [reads.take(task, journal) for task in tasks] == [True, False]
    assert len(reads) == 1
    go_on.set()
    while len(reads):
        await asyncio.sleep(0)
    assert done == ["journaled"]


@pytest.mark.parametrize("taken", [0, 1])
async def test_attempt_that_its_reader_left_frees_the_probe_of_a_half_open_breaker(taken: int) -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("a b")[:taken], NEVER()]))
    health, offer = setup.market.health, Offer("one", "m")
    for _ in range(setup.market.policy.failures_to_open):
        permit = health.admit(offer)
        assert isinstance(permit, Permit)
        health.failed(permit, Overloaded("503", status=503))
    assert isinstance(setup.market.clock, HandClock)
    setup.market.clock.wait(setup.market.policy.rest_seconds + 1)
    answer, _ = setup.answer()
    while not setup.open:
        await asyncio.sleep(0)
    for _ in range(taken):
        await anext(answer)
    await answer.leave()
    assert isinstance(health.admit(offer), Permit)


async def test_answer_left_before_it_began_is_not_attempted() -> None:
    setup = AnswerSetup(ScriptedProvider("one", whole("a")))
    answer, hold = setup.answer()
    await answer.leave()
    assert (hold.bill, setup.providers[0].calls) == (None, [])
