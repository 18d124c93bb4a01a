"""The ways in which an answer can end, with the charge, the waste and the events of each."""

import asyncio
from typing import Any

import pytest

from engine.catalog.offers import Offer
from engine.chat import Delta, Finish, Finished, Options, Restart, Usage
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
from engine.routing.permits import Permit
from tests.engine.scripted import END, NEVER, AnswerSetup, ScriptedProvider, Step, cost, deltas, paid, shown, whole


async def test_whole_answer_is_charged_as_reported() -> None:
    setup = AnswerSetup(ScriptedProvider("one", whole("a b c", tokens=(12, 3))))
    answer, hold = setup.answer()
    events = [event async for event in answer]
    assert shown(events) == "a b c "
    assert events[-1] == END
    assert paid(hold) == Usage(12, 3)
    assert setup.journal.records == []


async def test_failure_before_the_first_content_is_not_shown() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [Overloaded("x", status=503)]), ScriptedProvider("two", whole("fine")))
    answer, hold = setup.answer(can_restart=False)
    events = [event async for event in answer]
    assert not any(isinstance(event, Restart) for event in events)
    assert shown(events) == "fine "
    assert setup.journal.outcomes() == [("one", "overloaded")]
    assert hold.bill is not None


async def test_cut_answer_is_replaced_and_its_cost_is_waste() -> None:
    cut = [*deltas("these words are lost"), Usage(10, 4), StreamCut("x")]
    setup = AnswerSetup(ScriptedProvider("one", cut), ScriptedProvider("two", whole("these words stay", tokens=(9, 3))))
    answer, hold = setup.answer()
    events = [event async for event in answer]
    assert shown(events) == "these words stay "
    assert answer.completion is not None
    assert answer.completion.text == "these words stay "
    assert paid(hold) == Usage(9, 3)
    [lost] = setup.journal.records
    assert (lost.outcome, lost.waste, lost.kept) == ("cut", cost(Usage(10, 4)), False)


async def test_cut_answer_without_usage_is_waste_by_estimate() -> None:
    setup = AnswerSetup(
        ScriptedProvider("one", [*deltas("these words are lost"), StreamCut("x")]), ScriptedProvider("two", whole("ok"))
    )
    answer, _ = setup.answer()
    await answer.whole()
    [lost] = setup.journal.records
    assert lost.usage is not None
    assert lost.usage.estimated
    assert lost.waste == cost(lost.usage) > Money(0)


async def test_reader_that_cannot_restart_gets_an_error_and_is_not_charged() -> None:
    setup = AnswerSetup(
        ScriptedProvider("one", [*deltas("half an"), StreamCut("x")]), ScriptedProvider("two", whole("unasked"))
    )
    answer, hold = setup.answer(can_restart=False)
    with pytest.raises(AnswerCut):
        [event async for event in answer]
    assert (hold.voided, hold.bill, setup.providers[1].calls) == (True, None, [])


@pytest.mark.parametrize("error", [EmptyAnswer(), Garbled("x"), RateLimited("x"), ContextTooLong("x")])
async def test_next_offer_is_attempted_after_a_failure(error: Exception) -> None:
    setup = AnswerSetup(ScriptedProvider("one", [error]), ScriptedProvider("two", whole("fine")))
    answer, _ = setup.answer()
    await answer.whole()
    assert answer.offer == Offer("two", "m")


@pytest.mark.parametrize(
    "script",
    [
        [Delta(thinking="hm"), Finished(Finish.LENGTH), Usage(10, 100, reasoning_tokens=100)],
        [Finished(Finish.LENGTH), Usage(10, 100)],
        [Finished(Finish.STOP, at_stop_sequence=True), Usage(10, 1)],
        [Finished(Finish.REFUSED), Usage(10, 1)],
    ],
)
async def test_end_without_content_is_charged_and_no_failure_of_its_offer(script: list[Step]) -> None:
    one, two = ScriptedProvider("one", script), ScriptedProvider("two", whole("unasked"))
    setup = AnswerSetup(one, two)
    for _ in range(6):
        answer, hold = setup.answer(can_restart=False)
        events = [event async for event in answer]
        assert events == [piece for piece in script if isinstance(piece, Delta | Finished)]
        assert (paid(hold), answer.offer) == (script[-1], Offer("one", "m"))
        assert answer.completion is not None
        assert answer.completion.text == ""
    assert two.calls == []
    assert setup.market.health.status(Offer("one", "m")).failure_chance == 0


async def test_moderation_ends_the_failover_at_once() -> None:
    fault = RequestFault("bad", moderation=True)
    setup = AnswerSetup(ScriptedProvider("one", [fault]), ScriptedProvider("two", whole("unasked")))
    answer, hold = setup.answer()
    with pytest.raises(RequestRejected):
        await answer.whole()
    assert (hold.voided, setup.providers[1].calls) == (True, [])


async def test_answer_without_any_provider_is_not_charged() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [Overloaded("x")]), ScriptedProvider("two", [StreamCut("x")]))
    answer, hold = setup.answer()
    with pytest.raises(NoProvider) as failed:
        await answer.whole()
    assert failed.value.tried[:2] == ("one: overloaded", "two: cut")
    assert hold.voided
    assert setup.journal.outcomes()[-1] == ("none", "no_provider")


@pytest.mark.parametrize(
    "absurd",
    [None, Usage(-1, 5), Usage(10, -5), Usage(10**9, 5), Usage(10, 999_999), Usage(0, 0), Usage(10, 5, 11)],
)
async def test_missing_or_absurd_usage_is_estimated_within_the_hold(absurd: Usage | None) -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("a few words"), END, *([absurd] if absurd else [])]))
    answer, hold = setup.answer(output=100)
    await answer.whole()
    assert paid(hold).estimated
    assert 0 < paid(hold).input_tokens <= 200
    assert 0 < paid(hold).output_tokens <= 100


async def test_end_of_a_choice_is_delivered_once_even_when_none_was_reported() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("hi"), END, END, Usage(1, 1)], [*deltas("hi"), Usage(1, 1)]))
    for _ in range(2):
        answer, _ = setup.answer()
        assert [event for event in [event async for event in answer] if isinstance(event, Finished)] == [END]


async def test_choice_that_was_not_asked_for_is_garbled() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [Delta("x", 10**9), END]), ScriptedProvider("two", whole("fine")))
    answer, _ = setup.answer()
    await answer.whole()
    assert setup.journal.outcomes() == [("one", "garbled")]


async def test_late_first_token_is_a_timeout() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [NEVER()]), ScriptedProvider("two", whole("fine")), first=0.02)
    answer, _ = setup.answer()
    await answer.whole()
    assert setup.journal.outcomes() == [("one", "timeout")]
    assert setup.open == 0


async def test_silence_within_an_answer_restarts_it() -> None:
    setup = AnswerSetup(
        ScriptedProvider("one", [*deltas("half"), NEVER()]), ScriptedProvider("two", whole("fine")), idle=0.02
    )
    answer, _ = setup.answer()
    assert shown([event async for event in answer]) == "fine "
    assert setup.journal.outcomes() == [("one", "silence")]


@pytest.mark.parametrize("last", [NEVER(), Unreachable("reset")])
async def test_end_marker_is_not_waited_for_after_the_finish_reason(last: asyncio.Event | Exception) -> None:
    script: list[Step] = [*deltas("all said"), END, Usage(10, 2), last]
    setup = AnswerSetup(ScriptedProvider("one", script), ScriptedProvider("two", whole("unasked")), idle=0.02)
    answer, hold = setup.answer(can_restart=False)
    assert shown([event async for event in answer]) == "all said "
    assert paid(hold) == Usage(10, 2)
    assert (setup.open, setup.journal.records) == (0, [])


async def test_reasoning_keeps_a_stream_alive() -> None:
    thoughts = [Delta(thinking="hm")] * 5
    setup = AnswerSetup(ScriptedProvider("one", [*thoughts, *whole("so")]))
    answer, hold = setup.answer()
    assert shown([event async for event in answer]) == "so "
    assert hold.bill is not None


@pytest.mark.parametrize("opened", [True, False])
async def test_attempt_that_fails_after_reasoning_alone_is_followed_unseen(*, opened: bool) -> None:
    thinking: list[Step] = [Delta(thinking="hm"), Delta(thinking="oh")]
    second: list[Step] = [Delta(thinking="so"), *whole("fine")]
    setup = AnswerSetup(ScriptedProvider("one", [*thinking, StreamCut("x")]), ScriptedProvider("two", second))
    answer, hold = setup.answer(can_restart=False)
    if opened:
        answer.open()
    events = [event async for event in answer]
    lost = thinking if opened else []
    assert events == [*lost, Delta(thinking="so"), Delta("fine "), END]
    assert setup.journal.outcomes() == [("one", "cut")]
    assert answer.completion is not None
    assert (answer.completion.choices[0].thinking, answer.completion.provider) == ("so", "two")
    assert paid(hold) == Usage(10, 5)


async def test_refusal_after_a_cut_takes_the_content_back() -> None:
    refusal: list[Step] = [Finished(Finish.REFUSED), Usage(9, 0)]
    cut = ScriptedProvider("one", [*deltas("half"), StreamCut("x")])
    setup = AnswerSetup(cut, ScriptedProvider("two", refusal))
    answer, hold = setup.answer()
    events = [event async for event in answer]
    assert events == [Delta("half "), Restart("two", "m"), Finished(Finish.REFUSED)]
    assert paid(hold) == Usage(9, 0)


async def test_receipt_lists_quotes_attempts_and_the_list_price() -> None:
    setup = AnswerSetup(
        ScriptedProvider("one", [Overloaded("x")]), ScriptedProvider("two", whole("a", tokens=(1000, 10)))
    )
    answer, _ = setup.answer()
    assert answer.receipt.list_price is None
    await answer.whole()
    receipt = answer.receipt
    assert [quote.provider for quote in receipt.quotes] == ["one", "two"]
    assert [(record.provider, record.kept) for record in receipt.attempts] == [("one", False), ("two", True)]
    assert receipt.list_price == Money.usd("0.0026")  # GPT-4o: 2.50 and 10 USD per 1M tokens


async def test_fields_that_the_answering_wire_could_not_take_are_named() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [Overloaded("x", status=503)]), ScriptedProvider("two", whole("fine")))
    answer, _ = setup.answer(options=Options(seed=7))
    assert list(answer.ignored) == []
    assert shown([event async for event in answer]) == "fine "
    assert list(answer.ignored) == ["seed"]
    assert answer.completion is not None
    assert answer.completion.ignored == ("seed",)


CITY: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
CITY_ASKED = Options(response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}})


def said(*texts: str) -> list[Step]:
    return [*(Delta(text) for text in texts), END, Usage(10, 5)]


async def test_answer_by_a_schema_is_delivered_whole_and_as_plain_json() -> None:
    setup = AnswerSetup(ScriptedProvider("one", said("```json\n", '{"name": ', '"Hue"}', "\n```")))
    answer, hold = setup.answer(options=CITY_ASKED, can_restart=False)
    assert shown([event async for event in answer]) == '{"name": "Hue"}'
    assert paid(hold) == Usage(10, 5)


async def test_answer_against_its_schema_is_asked_for_once_more_and_then_elsewhere() -> None:
    wrong = ScriptedProvider("one", said('{"city": 1}'), said("no json"))
    setup = AnswerSetup(wrong, ScriptedProvider("two", said('{"name": "Hue"}')))
    answer, _ = setup.answer(options=CITY_ASKED, can_restart=False)
    assert shown([event async for event in answer]) == '{"name": "Hue"}'
    assert setup.journal.outcomes() == [("one", "unable"), ("one", "unable")]
    assert all(record.cost == record.waste > Money(0) for record in setup.journal.records)


async def test_second_answer_of_an_offer_may_fit_the_schema() -> None:
    setup = AnswerSetup(ScriptedProvider("one", said("no json"), said('{"name": "Hue"}')))
    answer, _ = setup.answer(options=CITY_ASKED, can_restart=False)
    assert shown([event async for event in answer]) == '{"name": "Hue"}'
    assert setup.journal.outcomes() == [("one", "unable")]


async def test_answer_against_its_schema_is_asked_for_again_within_the_retry_budget_only() -> None:
    setup = AnswerSetup(ScriptedProvider("one", said("no json")), ScriptedProvider("two", said('{"name": "Hue"}')))
    while isinstance(setup.market.health.admit(Offer("one", "m"), repeat=True), Permit):
        pass
    answer, _ = setup.answer(options=CITY_ASKED, can_restart=False)
    assert shown([event async for event in answer]) == '{"name": "Hue"}'
    assert setup.journal.outcomes() == [("one", "unable")]


async def test_answer_that_never_fits_its_schema_is_refused_with_the_reason() -> None:
    setup = AnswerSetup(ScriptedProvider("one", said("no json")))
    answer, hold = setup.answer(options=CITY_ASKED, can_restart=False)
    with pytest.raises(RequestRejected, match="is not JSON of the requested form"):
        [event async for event in answer]
    assert hold.voided


async def test_answer_that_ends_at_the_limit_is_not_checked() -> None:
    cut: list[Step] = [Delta('{"name": "H'), Finished(Finish.LENGTH), Usage(10, 5)]
    answer, _ = AnswerSetup(ScriptedProvider("one", cut)).answer(options=CITY_ASKED)
    assert shown([event async for event in answer]) == '{"name": "H'
