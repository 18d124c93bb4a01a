"""Two offers in a race for the first word, and what the loser costs."""

import asyncio

from engine.attempt_record import ABANDONED, HEDGED
from engine.catalog.offers import Offer
from engine.chat import Usage
from engine.errors import Overloaded
from engine.gateway.hedging import Hedging
from tests.engine.scripted import NEVER, Scripted, Stage, cost, shown, whole


def hedging(*names: str, share: float = 1.0) -> Hedging:
    """That knows each offer to speak at once."""
    known = Hedging(share)
    for name in names:
        for _ in range(20):
            known.observe(Offer(name, "m"), 1)
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
    assert stage.book.told() == [("one", "overloaded")]
    assert len(stage.providers[1].calls) == 1


async def test_few_prompts_are_hedged_and_none_by_default() -> None:
    rare = hedging("one", share=0.02)
    for _ in range(100):
        rare.count_prompt()
    assert [rare.take() for _ in range(3)] == [True, True, False]
    assert rare.wait_seconds(Offer("one", "m")) is None
    assert hedging("one", share=1.0).wait_seconds(Offer("two", "m")) is None
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
