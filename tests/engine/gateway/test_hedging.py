"""Two attempts in a race for the first content, and the cost of the loser."""

import asyncio

import pytest

from engine.attempt_record import ABANDONED, HEDGED, STOPPED
from engine.catalog.offers import Offer
from engine.chat import Delta, Usage
from engine.errors import NoProvider, Overloaded, RequestFault, RequestRejected
from engine.gateway.hedging import LEAST_OBSERVED, MOST_OBSERVED, Hedging
from engine.money import Money
from engine.routing.plan import Route
from tests.engine.scripted import END, NEVER, AnswerSetup, ScriptedProvider, cost, deltas, shown, whole

ONE = Offer("one", "m")


def hedging(*names: str, share: float = 1.0, first_token_ms: int = 1) -> Hedging:
    """Return a Hedging that expects each offer's first token after `first_token_ms`."""
    known = Hedging(share)
    for name in names:
        for _ in range(20):
            known.observe(Offer(name, "m"), first_token_ms)
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
    assert (setup.open, hold.voided) == (0, False)
    assert hold.bill is not None
    assert (hold.bill.attempt.provider, hold.bill.attempt.outcome) == ("one", STOPPED)
    [other] = setup.journal.records
    assert (other.provider, other.outcome) == ("two", ABANDONED)
    assert other.waste == other.cost == hold.bill.attempt.cost > Money(0)


def observed(*times_ms: int, share: float = 1.0) -> Hedging:
    made = Hedging(share)
    for _ in range(10):
        made.count_prompt()
    for time_ms in times_ms:
        made.observe(ONE, time_ms)
    return made


def test_wait_is_the_95th_percentile_of_enough_times() -> None:
    assert observed(*range(1, LEAST_OBSERVED)).wait_seconds(ONE) is None
    assert observed(*range(LEAST_OBSERVED, 0, -1)).wait_seconds(ONE) == 0.02
    assert observed(*range(100, 0, -1)).wait_seconds(ONE) == 0.096


def test_only_the_latest_times_count() -> None:
    made = observed(*([9000] * MOST_OBSERVED), *([10] * MOST_OBSERVED))
    assert made.wait_seconds(ONE) == 0.01


def test_number_of_observed_offers_is_bounded() -> None:
    made = observed(*([10] * LEAST_OBSERVED))
    for number in range(1024):
        made.observe(Offer("p", str(number)), 1)
    assert made.wait_seconds(ONE) == 0.01
    made.observe(Offer("p", "one more"), 1)
    assert made.wait_seconds(ONE) is None


def test_hedges_are_at_most_a_share_of_the_prompts() -> None:
    made = Hedging(0.1)
    for _ in range(9):
        made.count_prompt()
    assert not made.take()
    made.count_prompt()
    assert made.take()
    assert not made.take()


@pytest.mark.parametrize("reason", ["no hedge left", "last resort", "over the hold", "resting"])
async def test_second_attempt_is_not_started(reason: str) -> None:
    rare = hedging("one", share=0.0 if reason == "no hedge left" else 1.0, first_token_ms=0)
    slow = asyncio.Event()
    second = ScriptedProvider("two", whole("quick"))
    setup = AnswerSetup(ScriptedProvider("one", [slow, *whole("slow")]), second, hedging=rare)
    if reason == "last resort":
        one, two = setup.route.quotes
        setup.route = Route((one, two._replace(last_resort=True)), ())
    if reason == "resting":
        setup.market.health.drain("two")
    answer, hold = setup.answer(output=(100, 0) if reason == "over the hold" else 100)
    for _ in range(30):
        await asyncio.sleep(0)
    slow.set()
    assert shown([event async for event in answer]) == "slow "
    assert (second.calls, setup.journal.records) == ([], [])
    assert hold.bill is not None


async def test_prompt_whose_first_token_is_in_time_is_not_hedged() -> None:
    second = ScriptedProvider("two", whole("quick"))
    known = hedging("one", first_token_ms=60_000)
    setup = AnswerSetup(ScriptedProvider("one", whole("at once")), second, hedging=known)
    answer, _ = setup.answer()
    assert shown([event async for event in answer]) == "at once "
    assert second.calls == []


async def test_failure_of_the_loser_does_not_cut_an_answer_that_cannot_restart() -> None:
    fail = asyncio.Event()
    setup = AnswerSetup(
        ScriptedProvider("one", [fail, Overloaded("x")]),
        ScriptedProvider("two", [fail, *whole("fine")]),
        hedging=hedging("one"),
    )
    answer, hold = setup.answer(can_restart=False)
    while not setup.providers[1].calls:
        await asyncio.sleep(0)
    fail.set()
    assert shown([event async for event in answer]) == "fine "
    assert hold.bill is not None


async def test_attempts_of_a_race_that_both_fail_are_both_journaled() -> None:
    setup = AnswerSetup(
        ScriptedProvider("one", [fail := asyncio.Event(), Overloaded("x")]),
        ScriptedProvider("two", [fail, Overloaded("y")]),
        hedging=hedging("one"),
    )
    answer, _ = setup.answer()
    while not setup.providers[1].calls:
        await asyncio.sleep(0)
    fail.set()
    with pytest.raises(NoProvider) as failed:
        await answer.whole()
    assert failed.value.tried[:2] == ("one: overloaded", "two: overloaded")


async def test_loser_of_a_race_is_journaled_once_even_when_the_reader_leaves() -> None:
    setup = AnswerSetup(
        ScriptedProvider("one", [NEVER()]), ScriptedProvider("two", [*deltas("a b"), NEVER()]), hedging=hedging("one")
    )
    answer, hold = setup.answer()
    await anext(answer)
    while setup.open > 1:
        await asyncio.sleep(0)
    await answer.leave()
    assert setup.journal.outcomes() == [("one", HEDGED)]
    assert hold.bill is not None
    assert hold.bill.attempt.provider == "two"


async def test_attempt_read_in_the_background_delivers_no_content() -> None:
    fail, go_on = asyncio.Event(), asyncio.Event()
    setup = AnswerSetup(
        ScriptedProvider("one", [fail, RequestFault("bad", moderation=True)]),
        ScriptedProvider("two", [go_on, *whole("too late")], close_stops_bill=False),
        hedging=hedging("one"),
    )
    answer, _ = setup.answer()
    while not setup.providers[1].calls:
        await asyncio.sleep(0)
    fail.set()
    while not len(setup.market.background_reads):
        await asyncio.sleep(0)
    go_on.set()
    await setup.background_reads_done()
    with pytest.raises(RequestRejected):
        await anext(answer)
    assert setup.journal.outcomes() == [("one", "bad_request"), ("two", HEDGED)]


async def test_times_to_first_token_are_learned_from_answers() -> None:
    learning = Hedging(1.0)
    setup = AnswerSetup(ScriptedProvider("one", whole("a")), hedging=learning)
    for _ in range(LEAST_OBSERVED):
        assert learning.wait_seconds(ONE) is None
        answer, _ = setup.answer()
        await answer.whole()
    assert learning.wait_seconds(ONE) == 0


@pytest.mark.parametrize("moderation", [True, False])
async def test_refusal_of_one_attempt_does_not_end_the_answer_that_the_other_streams(moderation: bool) -> None:
    begin, end = asyncio.Event(), asyncio.Event()
    setup = AnswerSetup(
        ScriptedProvider("one", [begin, RequestFault("bad", moderation=moderation)]),
        ScriptedProvider("two", [begin, Delta("it "), end, Delta("streams"), END]),
        hedging=hedging("one"),
    )
    answer, _ = setup.answer()
    while not setup.providers[1].calls:
        await asyncio.sleep(0)
    begin.set()
    assert await anext(answer) == Delta("it ")
    end.set()
    assert shown([event async for event in answer]) == "streams"
    assert setup.journal.outcomes() == [("one", "bad_request")]
    assert setup.open == 0


def test_one_prompt_in_fifty_is_hedged_by_default() -> None:
    made = Hedging()
    for _ in range(49):
        made.count_prompt()
    assert not made.take()
    made.count_prompt()
    assert [made.take(), made.take()] == [True, False]
