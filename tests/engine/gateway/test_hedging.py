"""Two attempts in a race for the first content, and the cost of the loser."""

import asyncio

from engine.attempt_record import ABANDONED, HEDGED
from engine.catalog.offers import Offer
from engine.chat import Usage
from engine.errors import Overloaded
from engine.gateway.hedging import Hedging
from tests.engine.scripted import NEVER, AnswerSetup, ScriptedProvider, cost, shown, whole


def hedging(*names: str, share: float = 1.0) -> Hedging:
    """Return a Hedging that expects each offer's first token after 1 ms."""
    known = Hedging(share)
    for name in names:
        for _ in range(20):
            known.observe(Offer(name, "m"), 1)
    return known


async def test_late_first_token_starts_a_second_attempt_and_the_losers_bill_is_waste() -> None:
    slow = ScriptedProvider("one", [Usage(10, 3), NEVER()])
    setup = AnswerSetup(slow, ScriptedProvider("two", whole("quick")), hedging=hedging("one"))
    answer, hold = setup.answer(can_restart=False)
    assert shown([event async for event in answer]) == "quick "
    assert answer.offer == Offer("two", "m")
    assert hold.bill is not None
    [line] = setup.journal.records
    assert (line.provider, line.outcome, line.waste) == ("one", HEDGED, cost(Usage(10, 3)))
    assert setup.open == 0


async def test_late_attempt_wins_if_its_content_comes_first() -> None:
    speak = asyncio.Event()
    setup = AnswerSetup(
        ScriptedProvider("one", [speak, *whole("late")]), ScriptedProvider("two", [NEVER()]), hedging=hedging("one")
    )
    answer, _ = setup.answer()
    while not setup.providers[1].calls:
        await asyncio.sleep(0)
    speak.set()
    assert shown([event async for event in answer]) == "late "
    assert setup.journal.outcomes() == [("two", HEDGED)]
    assert setup.open == 0


async def test_failed_attempt_leaves_the_race_to_the_other() -> None:
    fail = asyncio.Event()
    setup = AnswerSetup(
        ScriptedProvider("one", [fail, Overloaded("x")]),
        ScriptedProvider("two", [fail, *whole("fine")]),
        hedging=hedging("one"),
    )
    answer, _ = setup.answer()
    while not setup.providers[1].calls:
        await asyncio.sleep(0)
    fail.set()
    assert shown([event async for event in answer]) == "fine "
    assert setup.journal.outcomes() == [("one", "overloaded")]
    assert len(setup.providers[1].calls) == 1


async def test_few_prompts_are_hedged_and_none_by_default() -> None:
    rare = hedging("one", share=0.02)
    for _ in range(100):
        rare.count_prompt()
    assert [rare.take() for _ in range(3)] == [True, True, False]
    assert rare.wait_seconds(Offer("one", "m")) is None
    assert hedging("one", share=1.0).wait_seconds(Offer("two", "m")) is None
    setup = AnswerSetup(ScriptedProvider("one", [NEVER()]), ScriptedProvider("two", whole("fine")), first=0.02)
    answer, _ = setup.answer()
    await answer.whole()
    assert setup.journal.outcomes() == [("one", "timeout")]


async def test_leaving_during_a_race_closes_both_attempts() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [NEVER()]), ScriptedProvider("two", [NEVER()]), hedging=hedging("one"))
    answer, hold = setup.answer()
    while not setup.providers[1].calls:
        await asyncio.sleep(0)
    await answer.leave()
    assert (setup.open, hold.voided) == (0, True)
    assert sorted(setup.journal.outcomes()) == [("one", ABANDONED), ("two", ABANDONED)]
