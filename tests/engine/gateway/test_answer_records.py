"""The completion, the bill and the receipt of an answer; events taken several at a time."""

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs

from engine.attempt_record import AttemptRecord, QuoteLine
from engine.catalog.offers import Drop, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import Delta, Finish, Finished, Options, Usage
from engine.completion import Choice
from engine.errors import NoProvider
from engine.gateway.answer import Answer
from engine.money import Money
from engine.ports import ProviderCall
from engine.routing.plan import Route
from tests.engine.scripted import END, AnswerSetup, ScriptedHold, ScriptedProvider, deltas, whole
from tests.engine.two_providers import DOWN

LIST_PRICE = flat_price("2.50", "10", "1.25", "3")


def priced(setup: AnswerSetup) -> None:
    setup.market = replace(
        setup.market, catalog=replace(setup.market.catalog, book=PriceBook({"openai/gpt-4o": LIST_PRICE}))
    )


async def test_completion_has_offer_usage_and_events() -> None:
    setup = AnswerSetup(ScriptedProvider("a", whole("one two", tokens=(10, 5))))
    answer, hold = setup.answer()
    completion = await answer.whole()
    assert completion is not None
    assert (completion.provider, completion.model, completion.usage) == ("a", "m", Usage(10, 5))
    assert completion.events == (*deltas("one two"), END)
    assert not completion.stopped
    assert hold.bill is not None
    assert hold.bill.tokens == 15


async def test_answer_without_content_has_one_empty_choice() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [asyncio.Event()]))
    answer, _ = setup.answer()
    await setup.begun()
    await answer.leave()
    assert answer.completion is not None
    assert answer.completion.choices == (Choice(""),)


async def test_observers_are_told_of_the_kept_attempt_and_its_finishes() -> None:
    seen: list[tuple[AttemptRecord, tuple[str, ...]]] = []

    class Observer:
        def attempt_ended(self, attempt: AttemptRecord, finishes: tuple[str, ...], operation: str) -> None:
            assert operation == "chat"
            seen.append((attempt, finishes))

    setup = AnswerSetup(ScriptedProvider("a", [*deltas("half"), Finished(Finish.LENGTH), Usage(10, 5)]))
    setup.market = replace(setup.market, observers=(Observer(),))
    answer, hold = setup.answer()
    await answer.whole()
    assert hold.bill is not None
    assert seen == [(hold.bill.attempt, ("length",))]


async def test_fields_that_a_provider_can_not_take_are_asked_of_it_as_it_was_called() -> None:
    asked: list[ProviderCall] = []

    class Asked(ScriptedProvider):
        def ignored(self, call: ProviderCall) -> tuple[str, ...]:
            asked.append(call)
            return super().ignored(call)

    setup = AnswerSetup(Asked("a", whole("words")))
    answer, _ = setup.answer(options=Options(seed=1), output=77)
    await answer.whole()
    assert answer.ignored == ("seed",)
    assert {(call.model, call.output_tokens) for call in asked} == {("m", 77)}


# --- the receipt ------------------------------------------------------------------------------------------


async def test_receipt_lists_quotes_drops_attempts_and_the_list_price() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN]), ScriptedProvider("b", whole("b", tokens=(1000, 500))))
    priced(setup)
    first, second = setup.route.quotes
    quotes = (first._replace(expected_atto=3 * 10**9), second._replace(expected_atto=5 * 10**9, last_resort=True))
    setup.route = Route(quotes, (Drop(Offer("c", "m"), "not configured"),))
    answer, hold = setup.answer()
    await answer.whole()
    receipt = answer.receipt
    assert (receipt.request_id, receipt.asked, receipt.answered_at) == ("r", "auto", setup.market.clock.now())
    assert receipt.quotes == (QuoteLine("a", "m", Money(3)), QuoteLine("b", "m", Money(5), last_resort=True))
    assert [(drop.provider, drop.reason) for drop in receipt.drops] == [("c", "not configured")]
    assert [line.provider for line in receipt.attempts] == ["a", "b"]
    assert receipt.list_price == Money.usd("0.0075")
    assert hold.bill is not None
    assert hold.bill.receipt == receipt


async def test_receipt_names_an_offer_once_and_not_as_left_out_where_it_was_attempted() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN]), ScriptedProvider("b", whole("b")), ScriptedProvider("c"))
    drops = [Drop(Offer(name, "m"), "rests") for name in ("b", "c")]  # such as offers whose rest may end meanwhile
    setup.route = structs.replace(setup.route, drops=tuple(drops))
    setup.market.health.drain("c")
    answer, _ = setup.answer()
    await answer.whole()
    assert [line.provider for line in answer.receipt.attempts] == ["a", "b"]
    assert [(drop.provider, drop.reason) for drop in answer.receipt.drops] == [("c", "rests")]


async def test_list_price_counts_cached_tokens_in_full() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [*deltas("b"), END, Usage(1000, 0, 600, 300)]))
    priced(setup)
    answer, _ = setup.answer()
    await answer.whole()
    assert answer.receipt.list_price == Money.usd("0.0025")


async def test_receipt_of_a_failed_answer_has_no_list_price() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN]))
    priced(setup)
    answer, _ = setup.answer()
    with pytest.raises(NoProvider):
        await answer.whole()
    assert answer.receipt.list_price is None


async def test_side_call_is_billed_without_a_receipt() -> None:
    setup = AnswerSetup(ScriptedProvider("a", whole("a title")))
    question = setup.question()
    side = structs.replace(question, request=structs.replace(question.request, is_side_call=True))
    _, spare = setup.answer()
    hold = ScriptedHold(spare.grant)
    await Answer(setup.market, side, hold).whole()
    assert hold.bill is not None
    assert hold.bill.receipt is None


# --- several events at a time ---------------------------------------------------------------------------


async def test_events_are_taken_up_to_the_number_that_is_asked_for() -> None:
    setup = AnswerSetup(ScriptedProvider("a", whole("one two three four five")))
    answer, _ = setup.answer()
    await answer.whole()
    answer._has_ended = False
    taken = [await answer.next_events(most, 5) for most in (2, 3, 9, 9)]
    assert taken == [deltas("one two"), deltas("three four five"), [END], []]
    assert await answer.next_events(9, 5) == []


async def test_events_of_two_attempts_are_taken_in_one_go_with_the_restart_between_them() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [*deltas("half"), DOWN]), ScriptedProvider("b", whole("b says")))
    answer, _ = setup.answer()
    await answer.whole()
    stream = answer._stream
    first = stream.take_ready(2)
    assert [type(event).__name__ for event in first] == ["Delta", "Restart"]
    assert stream.take_ready(2) == deltas("b says")
    assert stream.take_ready(2) == [END]
    assert stream.take_ready(2) == []


async def test_all_events_of_two_attempts_are_taken_in_their_order() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [*deltas("half"), DOWN]), ScriptedProvider("b", whole("b says")))
    answer, _ = setup.answer()
    await answer.whole()
    found = answer._stream.take_ready(4)
    assert [event.text for event in found if isinstance(event, Delta)] == ["half ", "b ", "says "]
    assert len(found) == 4
    assert answer._stream.take_ready(9) == [END]


async def test_no_event_within_the_time_is_none() -> None:
    speak = asyncio.Event()
    setup = AnswerSetup(ScriptedProvider("a", [speak, *whole("late")]))
    answer, _ = setup.answer()
    assert await answer.next_events(5, 0.001) is None
    speak.set()
    assert await answer.next_events(1, 5) == deltas("late")
    await answer.leave()
