"""Readers that leave, and answers that the process aborts: the charge and the waste."""

import asyncio

import pytest

from engine.attempt_record import ABANDONED, CLOSING, STOPPED
from engine.catalog.offers import Offer
from engine.chat import Delta, Restart, Usage
from engine.errors import Closing, Overloaded, StreamCut
from engine.money import Money
from engine.ports import AnswerSink, ProviderCall
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


async def test_answer_left_before_the_first_content_is_charged_for_its_input() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [NEVER()]))
    answer, hold = setup.answer()
    await setup.begun()
    await answer.leave()
    assert (hold.voided, setup.open, setup.journal.records) == (False, 0, [])
    assert hold.bill is not None
    assert (hold.bill.attempt.outcome, hold.bill.attempt.kept, hold.bill.attempt.waste) == (STOPPED, True, Money(0))
    assert paid(hold) == Usage(paid(hold).input_tokens, 0, estimated=True)
    assert answer.charge.wallet == cost(paid(hold)) > Money(0)
    assert answer.completion is not None
    assert (answer.completion.text, answer.completion.stopped) == ("", True)


class Unanswered(ScriptedProvider):
    """A provider whose response headers never come."""

    async def stream(self, call: ProviderCall, sink: AnswerSink) -> None:  # noqa: ARG002
        self.open += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.open -= 1


async def test_answer_left_before_a_provider_took_it_is_not_charged() -> None:
    setup = AnswerSetup(Unanswered("one", []))
    answer, hold = setup.answer()
    await setup.begun()
    await answer.leave()
    assert (hold.voided, hold.bill, setup.open) == (True, None, 0)
    [line] = setup.journal.records
    assert (line.outcome, line.cost) == (ABANDONED, Money(0))


@pytest.mark.parametrize("reads", [0, 40])
async def test_reasoning_that_was_streamed_is_paid_by_the_reader_who_leaves(reads: int) -> None:
    thoughts: list[Step] = [Delta(thinking="so many thoughts about it ")] * 600
    setup = AnswerSetup(ScriptedProvider("one", [*thoughts, *deltas("w " * 40)[:reads], NEVER()]))
    answer, hold = setup.answer(output=10_000)
    await setup.begun()
    for _ in range(reads):
        await anext(answer)
    while answer._failover.active[0].content.deltas < 600 + reads:
        await asyncio.sleep(0)
    await answer.leave()
    assert paid(hold).output_tokens > 3000
    assert paid(hold).estimated
    assert setup.journal.records == []


async def test_reasoning_that_was_not_streamed_is_paid_by_its_learned_share() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("one two"), NEVER()]))
    plain, hold = setup.answer()
    for _ in range(2):
        await anext(plain)
    await plain.leave()
    before = paid(hold).output_tokens
    for _ in range(50):
        setup.market.catalog.sizes.learn_output(Offer("one", "m"), "auto", None, 10, (100, 90))
    again, hold = setup.answer()
    for _ in range(2):
        await anext(again)
    await again.leave()
    assert paid(hold).output_tokens == 10 * before


async def test_bill_is_waited_for_after_the_last_content() -> None:
    go_on = asyncio.Event()
    script: list[Step] = [*deltas("one two"), go_on, END, Usage(10, 3000, reasoning_tokens=2998)]
    setup = AnswerSetup(ScriptedProvider("one", script), bill_seconds=60)
    answer, hold = setup.answer(output=4000)
    for _ in range(2):
        await anext(answer)
    leaving = asyncio.create_task(answer.leave())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not leaving.done()
    go_on.set()
    await leaving
    assert paid(hold) == Usage(10, 3000, reasoning_tokens=2998)
    assert setup.journal.records == []


async def test_bill_is_not_waited_for_when_the_answer_goes_on() -> None:
    go_on = asyncio.Event()
    script: list[Step] = [*deltas("one"), go_on, *deltas("two"), NEVER()]
    setup = AnswerSetup(ScriptedProvider("one", script), bill_seconds=60)
    answer, hold = setup.answer()
    await anext(answer)
    leaving = asyncio.create_task(answer.leave())
    go_on.set()
    async with asyncio.timeout(60):
        await leaving
    assert paid(hold).output_tokens == 1
    assert setup.open == 0


async def test_content_that_the_reader_did_not_take_is_waste_where_closing_stops_the_bill() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("one two three"), NEVER()]))
    answer, hold = setup.answer()
    await anext(answer)
    await answer.leave()
    assert paid(hold).output_tokens == 1
    assert setup.journal.records == []
    assert hold.bill is not None
    kept = hold.bill.attempt
    assert kept.waste == kept.cost - Money.from_atto(hold.bill.cost_atto) > Money(0)
    assert Money.from_atto(hold.bill.cost_atto) == cost(paid(hold))


async def test_input_of_an_answer_that_the_process_aborts_is_waste() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [NEVER()]))
    answer, hold = setup.answer()
    await setup.begun()
    answer.abort()
    with pytest.raises(Closing):
        await answer.whole()
    [line] = setup.journal.records
    assert (hold.voided, line.outcome) == (True, CLOSING)
    assert line.waste == line.cost > Money(0)


async def test_answer_aborted_by_the_process_is_not_charged() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("one"), NEVER()]))
    answer, hold = setup.answer()
    await anext(answer)
    answer.abort()
    with pytest.raises(Closing):
        [event async for event in answer]
    assert (hold.voided, hold.bill) == (True, None)
    assert setup.journal.outcomes() == [("one", CLOSING)]


async def test_stopped_answer_is_charged_for_the_input_while_its_restart_is_not_taken() -> None:
    second = [*deltas("never taken"), NEVER()]
    setup = AnswerSetup(
        ScriptedProvider("one", [*deltas("first half"), StreamCut("x")]), ScriptedProvider("two", second)
    )
    answer, hold = setup.answer()
    assert await anext(answer) == Delta("first ")
    while answer.offer != Offer("two", "m"):
        await asyncio.sleep(0)
    await answer.leave()
    assert hold.bill is not None
    assert hold.bill.attempt.provider == "two"
    assert paid(hold) == Usage(paid(hold).input_tokens, 0, estimated=True)
    assert setup.journal.outcomes() == [("one", "cut")]
    assert hold.bill.attempt.waste > Money(0)


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


@pytest.mark.parametrize(("thinking", "is_learned"), [("", True), ("hm", False)])
async def test_speed_of_reasoning_is_learned_from_whole_answers_that_do_not_send_it(
    thinking: str, is_learned: bool
) -> None:
    begin = asyncio.Event()
    first: list[Step] = [Delta(thinking=thinking)] if thinking else []
    script: list[Step] = [begin, *first, *deltas("one"), END, Usage(10, 3000, reasoning_tokens=2000)]
    setup = AnswerSetup(ScriptedProvider("one", script))
    answer, _ = setup.answer(output=4000)
    while not setup.providers[0].calls:
        await asyncio.sleep(0)
    setup.market.clock.wait(20)  # type: ignore[attr-defined]
    begin.set()
    await answer.whole()
    speeds = setup.market.catalog.sizes.thinking_speeds
    assert speeds.tokens(Offer("one", "m"), 30) == (3000 if is_learned else 0)
