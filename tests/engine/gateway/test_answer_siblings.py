"""Answers to the prompts of one request are kept together: all are charged, or none is."""

import asyncio

import pytest
from msgspec.structs import replace

from engine import attempt_record as outcomes
from engine.chat import Usage
from engine.errors import Closing, NoProvider
from engine.gateway.answer import Answer
from engine.gateway.question import Siblings
from engine.holds import Grant
from engine.money import Money
from tests.engine.scripted import (
    AnswerSetup,
    ScriptedHold,
    ScriptedProvider,
    Step,
    cost,
    deltas,
    paid,
    whole,
)
from tests.engine.two_providers import DOWN


def sibling(setup: AnswerSetup, siblings: Siblings) -> tuple[Answer, ScriptedHold]:
    hold = ScriptedHold(Grant(0, Money(10**9), 1000, (100,) * len(setup.route.quotes)))
    return Answer(setup.market, replace(setup.question(), siblings=siblings), hold), hold


def pair(first: list[Step], second: list[Step]) -> tuple[list[AnswerSetup], list[Answer], list[ScriptedHold]]:
    siblings = Siblings(2)
    setups = [AnswerSetup(ScriptedProvider("a", script)) for script in (first, second)]
    made = [sibling(setup, siblings) for setup in setups]
    return setups, [answer for answer, _ in made], [hold for _, hold in made]


async def whole_at(setup: AnswerSetup) -> None:
    """Wait until the provider's stream has ended."""
    while not setup.providers[0].calls or setup.open:
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_whole_answers_are_kept_together() -> None:
    last = asyncio.Event()
    setups, answers, holds = pair(whole("one"), [last, *whole("two")])
    await whole_at(setups[0])
    assert holds[0].bill is None
    last.set()
    completions = [await answer.whole() for answer in answers]
    assert [completion.text for completion in completions if completion] == ["one ", "two "]
    assert all(hold.bill is not None and not hold.voided for hold in holds)


async def test_error_of_one_is_the_error_of_all_and_nothing_is_charged() -> None:
    setups, answers, holds = pair(whole("one", tokens=(10, 5)), [DOWN])
    results = await asyncio.gather(*(answer.whole() for answer in answers), return_exceptions=True)
    assert results[0] is results[1]
    assert isinstance(results[0], NoProvider)
    assert all(hold.voided and hold.bill is None for hold in holds)
    [line] = setups[0].journal.records
    assert (line.outcome, line.kept) == (outcomes.CLOSING, False)
    assert line.cost == line.waste == cost(Usage(10, 5))


async def test_reader_who_stops_while_a_sibling_is_awaited_pays_for_the_reported_tokens() -> None:
    setups, answers, holds = pair(whole("one two three four", tokens=(10, 40)), [asyncio.Event()])
    await whole_at(setups[0])
    assert await anext(answers[0]) == deltas("one")[0]
    await answers[0].leave()
    completion = await answers[0].whole()
    assert completion is not None
    assert (completion.text, completion.stopped) == ("one ", True)
    assert paid(holds[0]) == Usage(10, 40)
    assert holds[0].bill is not None
    record = holds[0].bill.attempt
    assert (record.outcome, record.cost) == (outcomes.STOPPED, cost(Usage(10, 40)))
    assert not setups[0].journal.records
    await answers[1].leave()


async def test_process_that_stops_while_a_sibling_is_awaited_charges_nothing() -> None:
    setups, answers, holds = pair(whole("one", tokens=(10, 5)), [asyncio.Event()])
    await whole_at(setups[0])
    for answer in answers:
        answer.abort()
    for answer in answers:
        with pytest.raises(Closing):
            await answer.whole()
    assert all(hold.voided and hold.bill is None for hold in holds)
    [line] = setups[0].journal.records
    assert (line.outcome, line.waste) == (outcomes.CLOSING, cost(Usage(10, 5)))
