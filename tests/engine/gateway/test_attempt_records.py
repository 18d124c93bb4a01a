"""Usage, cost and waste of an attempt, and its record in the journal."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from msgspec import structs

from engine.attempt_record import ABANDONED, ANSWERED, MOST_DETAIL_CHARS, UNREAD
from engine.catalog.offers import Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import Delta, Served, Usage
from engine.errors import FirstTokenLate, Overloaded
from engine.gateway.answer_stream import AnswerStream
from engine.gateway.attempt import Attempt
from engine.money import Money
from engine.routing.health import Permit
from tests.engine.clock import HandClock
from tests.engine.scripted import (
    END,
    NEVER,
    PRICE,
    TENANT,
    AnswerSetup,
    ScriptedProvider,
    attempt,
    cost,
    deltas,
    started,
    whole,
)


async def test_times_are_measured_from_the_start() -> None:
    go_on, later = asyncio.Event(), asyncio.Event()
    setup = AnswerSetup(ScriptedProvider("one", [Delta(thinking="hm"), go_on, *deltas("a"), later, *whole("b")]))
    clock = setup.market.clock
    assert isinstance(clock, HandClock)
    stream = AnswerStream()
    made = started(setup, stream=stream)
    clock.wait(0.25)
    go_on.set()
    await stream.next()
    clock.wait(0.5)
    later.set()
    await made.outcome()
    record = made.kept(ANSWERED, made.usage())
    assert (record.first_token_ms, record.duration_ms) == (250, 750)


async def test_kept_record_wastes_the_cost_beyond_its_hold() -> None:
    made = attempt(*whole("a b c", tokens=(250, 120)), output=100)
    await made.outcome()
    record = made.kept(ANSWERED, made.usage())
    assert record.cost == cost(Usage(250, 120))
    assert record.waste == cost(Usage(250, 120)) - cost(Usage(200, 100))
    assert (record.kept, record.tenant_id, record.outcome, record.ordinal) == (True, TENANT.id, ANSWERED, 1)


async def test_kept_record_within_its_hold_wastes_nothing() -> None:
    made = attempt(*whole("a", tokens=(200, 100)), output=100)
    await made.outcome()
    assert made.kept(ANSWERED, made.usage()).waste == Money(0)


async def test_wasted_record_holds_the_error_and_its_whole_cost_is_waste() -> None:
    made = attempt(Usage(10, 3), error := Overloaded("x" * 300, status=503))
    await made.outcome()
    record = made.wasted(error.outcome, made.wasted_usage(), error)
    assert record.cost == record.waste == cost(Usage(10, 3))
    assert (record.status, record.detail, record.kept) == (503, "x" * MOST_DETAIL_CHARS, False)


async def test_attempt_without_usage_or_content_costs_nothing() -> None:
    made = attempt(Overloaded("x"))
    await made.outcome()
    assert made.wasted_usage() is None
    assert made.wasted(ABANDONED).cost == Money(0)


async def test_content_without_usage_is_waste_by_estimate() -> None:
    made = attempt(*deltas("a few words"), Overloaded("x"))
    await made.outcome()
    usage = made.wasted_usage()
    assert usage is not None
    assert usage.estimated
    assert usage.output_tokens > 0


async def test_unread_record_holds_the_bill_beyond_the_paid_part() -> None:
    made = attempt(*whole("a b c", tokens=(10, 40)))
    await made.outcome()
    record = made.unread(4, Usage(10, 1))
    assert record is not None
    assert (record.outcome, record.ordinal, record.usage) == (UNREAD, 4, Usage(0, 39))
    assert record.cost == record.waste == cost(Usage(10, 40)) - cost(Usage(10, 1))
    assert made.unread(4, Usage(10, 40)) is None


async def test_another_served_model_is_recorded_and_sets_the_price() -> None:
    book = PriceBook({"one/m": PRICE, "one/other": flat_price("10", "20")})
    for served, factor, name in (("", 1, ""), ("m", 1, ""), ("other", 10, "other")):
        setup = AnswerSetup(ScriptedProvider("one", [Served(served), *whole("a", tokens=(10, 1))]))
        setup.market = replace(setup.market, catalog=replace(setup.market.catalog, book=book))
        made = started(setup)
        await made.outcome()
        record = made.kept(ANSWERED, made.usage())
        assert record.served == name
        assert record.cost == Money(cost(Usage(10, 1)).nanousd * factor)


async def test_probe_has_no_tenant() -> None:
    setup = AnswerSetup(ScriptedProvider("one", whole("a")))
    permit = setup.market.health.admit(Offer("one", "m"))
    assert isinstance(permit, Permit)
    question = structs.replace(setup.question(), tenant_id=None)
    made = Attempt(setup.market, question, question.route.quotes[0], permit, 1, 1)
    await made.outcome()
    assert made.wasted(ANSWERED).tenant_id is None


async def test_timeout_of_a_request_that_was_taken_is_billed_for_its_input() -> None:
    late = attempt(NEVER(), first=0.01)
    assert isinstance(await late.outcome(), FirstTokenLate)
    usage = late.wasted_usage()
    assert usage is not None
    assert usage.input_tokens > 0
    assert (usage.output_tokens, usage.estimated) == (0, True)


@pytest.mark.parametrize(
    ("reported", "fee", "nanousd"),
    [
        ("0.0000125", "0.055", 13_188),  # 13,187.5 is rounded half to even
        ("0.000012", "0", 12_000),
        ("1.2E-5", "0", 12_000),
        ("0.123456789012345", "0.055", 130_246_912),
    ],
)
async def test_reported_cost_with_the_fee_is_the_cost(reported: str, fee: str, nanousd: int) -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("a"), END, Usage(10, 5, cost_usd=Decimal(reported))]))
    setup.market.catalog.book.fees = {"one": Fraction(fee)}
    made = started(setup)
    await made.outcome()
    record = made.kept(ANSWERED, made.usage())
    assert record.cost == Money(nanousd)


@pytest.mark.parametrize(("reported", "waste"), [("0.0004", 0), ("0.0005", 100_000)])
async def test_reported_cost_beyond_the_hold_is_waste(reported: str, waste: int) -> None:
    made = attempt(*deltas("a"), END, Usage(10, 5, cost_usd=Decimal(reported)), output=100)
    await made.outcome()
    assert made.kept(ANSWERED, made.usage()).waste == Money(waste)  # 200 in and 100 out cost 0.0004 at most


async def test_records_name_the_request_and_the_offer_and_hold_the_usage() -> None:
    setup = AnswerSetup(ScriptedProvider("one", whole("a", tokens=(10, 5))))
    question = setup.question()
    question = structs.replace(question, request=structs.replace(question.request, key_id=3))
    permit = setup.market.health.admit(Offer("one", "m"))
    assert isinstance(permit, Permit)
    made = Attempt(setup.market, question, setup.route.quotes[0], permit, 2, 100)
    await made.outcome()
    for record in (made.kept(ANSWERED, made.usage()), made.wasted(ABANDONED, made.usage())):
        assert (record.request_id, record.ordinal, record.key_id, record.asked) == ("r", 2, 3, "auto")
        assert (record.provider, record.model, record.started_at) == ("one", "m", made.started_at)
        assert (record.usage, record.cost, record.detail) == (Usage(10, 5), cost(Usage(10, 5)), "")
    assert made.wasted(ABANDONED, made.usage()).outcome == ABANDONED


async def test_bill_beyond_the_kept_part_is_waste_and_below_it_none() -> None:
    made = attempt(*whole("a b c", tokens=(10, 50)))
    await made.outcome()
    part = Usage(10, 20)
    record = made.kept(ANSWERED, part, Usage(10, 50))
    assert (record.cost, record.waste) == (cost(Usage(10, 50)), cost(Usage(10, 50)) - cost(part))
    assert made.kept(ANSWERED, part, Usage(10, 5)).cost == cost(part)


async def test_reported_bill_within_the_most_that_the_hold_can_cost_is_no_waste() -> None:
    usage = Usage(10, 5, cost_usd=Decimal("0.0003"))
    made = attempt(*deltas("a"), END, usage, output=100)
    await made.outcome()
    assert made.kept(ANSWERED, usage).waste == Money(0)
    dear = structs.replace(usage, cost_usd=Decimal(1))
    assert made.kept(ANSWERED, dear).waste > Money(0)


@pytest.mark.parametrize("reported", [[], [Usage(10**9, 10**9)], [Usage(10**9, 5, cost_usd=Decimal("0.5"))]])
async def test_usage_of_a_whole_answer_is_estimated_where_the_report_is_missing_or_absurd(
    reported: list[Usage],
) -> None:
    made = attempt(*deltas("one two three four"), END, *reported)
    await made.outcome()
    usage = made.usage()
    assert usage.estimated
    assert 0 < usage.input_tokens <= 200
    assert 4 <= usage.output_tokens <= 100
    assert usage.cost_usd == (reported[0].cost_usd if reported else None)


async def test_reasoning_that_is_not_sent_is_estimated_by_the_time_before_the_first_token() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [go_on := asyncio.Event(), *deltas("a"), END]))
    setup.market.catalog.sizes.thinking_speeds.learn(Offer("one", "m"), 40, 2)
    made = started(setup)
    clock = setup.market.clock
    assert isinstance(clock, HandClock)
    await setup.begun()
    clock.wait(3)
    go_on.set()
    await made.outcome()
    assert made.usage().output_tokens == 60 + 1
