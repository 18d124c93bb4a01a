"""Admission, offers that the gateway leaves out, and the error if none is left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import pytest
from msgspec import structs

from engine.catalog.offers import Model, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import Usage
from engine.errors import (
    Closing,
    DailyAnswersUsed,
    SpendingCapReached,
    TooManyRequests,
)
from engine.gateway.gateway import Gateway
from engine.holds import Grant, HoldRequest
from engine.money import Money
from engine.ports import Ledger
from engine.routing.plan import Route
from engine.tenancy import Sponsor, seconds_left_today
from tests.engine.gateway.gateways import ASK, CHEAP, FLAT, learn_lengths
from tests.engine.scripted import NEVER, TENANT, AnswerSetup, ScriptedHold, ScriptedProvider, Step, deltas, shown, whole


async def test_answer_is_planned_with_the_usual_answers_of_its_tenant() -> None:
    made, ledger, _ = serving(*whole("a"))
    learn_lengths(made)
    brief = replace(TENANT, id=TENANT.id + 1)
    expected = made.route(made.market.catalog.models["auto"], ASK, brief.id).quotes[0].expected_atto
    async with made.answer(brief, ASK) as answer:
        await answer.whole()
    bill = ledger.holds[0].bill
    assert bill is not None
    assert bill.receipt is not None
    assert bill.receipt.quotes[0].expected == Money.from_atto(expected)


async def test_answer_that_a_sponsor_pays_teaches_the_habits_of_its_asker() -> None:
    made, ledger, _ = serving(*whole("word " * 400, tokens=(100, 400)))
    payer, catalog = Sponsor(TENANT.id + 1, TENANT.plan), made.market.catalog
    for _ in range(20):
        catalog.learn(ASK, CHEAP, Usage(100, 50), "word " * 50, TENANT.id + 2)
    async with made.answer(replace(TENANT, sponsors=(payer,)), ASK) as answer:
        await answer.whole()
    assert [request.tenant_id for request in ledger.requests] == [payer.id]
    lengths = [catalog.sizes.answer_tokens("auto", tenant_id) for tenant_id in (TENANT.id, payer.id)]
    assert lengths[0] > lengths[1]


class Holds:
    """A ledger in memory that grants every request at its ceilings."""

    def __init__(self) -> None:
        self.requests: list[HoldRequest] = []
        self.holds: list[ScriptedHold] = []
        self.today = 0

    async def answers_today(self, tenant_id: int) -> int:
        assert tenant_id == TENANT.id
        return self.today

    @asynccontextmanager
    async def hold(self, hold_request: HoldRequest) -> AsyncIterator[ScriptedHold]:
        self.requests.append(hold_request)
        limits = tuple(ceiling.output_tokens for ceiling in hold_request.ceilings)
        self.holds.append(ScriptedHold(Grant(0, Money(10**9), 1000, limits)))
        yield self.holds[-1]


class Refusing:
    """An admission check that refuses with a spending cap."""

    async def check(self) -> None:
        raise SpendingCapReached("month")


def serving(*script: Step, checks: tuple[Refusing, ...] = ()) -> tuple[Gateway, Holds, AnswerSetup]:
    setup = AnswerSetup(ScriptedProvider("cheap", list(script)))
    book = PriceBook({"cheap/m": flat_price("1", "1")})
    catalog = replace(setup.market.catalog, models={"auto": Model("auto", (CHEAP,), FLAT)}, book=book)
    ledger = Holds()
    market = replace(setup.market, catalog=catalog)
    return Gateway(market, cast("Ledger", ledger), admission_checks=checks), ledger, setup


async def test_answer_is_held_for_and_captured() -> None:
    made, ledger, _ = serving(*whole("a b", tokens=(9, 2)))
    async with made.answer(TENANT, ASK) as answer:
        assert made.in_flight == 1
        assert shown([event async for event in answer]) == "a b "
    assert made.in_flight == 0
    [request] = ledger.requests
    assert (request.request_id, request.tenant_id, request.tariff, request.n) == ("r", TENANT.id, FLAT, 1)
    assert (request.epoch, request.key_id) == (ASK.epoch, None)
    [quote] = made.route(made.market.catalog.models["auto"], ASK).quotes
    assert request.input_tokens == request.ceilings[0].input_tokens == quote.input_ceiling_tokens
    assert ledger.holds[0].bill is not None


async def test_hold_names_epoch_and_key_of_the_request() -> None:
    made, ledger, _ = serving(*whole("a"))
    async with made.answer(TENANT, structs.replace(ASK, epoch=7, key_id=5)) as answer:
        await answer.whole()
    assert [(request.epoch, request.key_id) for request in ledger.requests] == [(7, 5)]


async def test_output_is_bounded_by_the_least_of_request_plan_and_model() -> None:
    made, ledger, setup = serving(*whole("a"))
    for asked, limit in ((None, 100), (101, 100), (99, 99)):
        async with made.answer(TENANT, structs.replace(ASK, max_output_tokens=asked)) as answer:
            await answer.whole()
        assert ledger.requests[-1].ceilings[0].output_tokens == limit
        assert setup.providers[0].calls[-1].output_tokens == limit


async def test_admission_check_refuses_before_any_hold() -> None:
    made, ledger, _ = serving(*whole("a"), checks=(Refusing(),))
    with pytest.raises(SpendingCapReached):
        async with made.answer(TENANT, ASK):
            pass
    with pytest.raises(SpendingCapReached):
        await made.check_admission(TENANT, "auto")
    assert ledger.requests == []


async def test_admission_check_of_a_side_call_counts_no_request() -> None:
    made, _, _ = serving(*whole("a"))
    asking = replace(TENANT, plan=replace(TENANT.plan, requests_per_minute=1))
    await made.check_admission(asking, "auto")
    async with made.answer(asking, ASK) as answer:
        await answer.whole()
    with pytest.raises(TooManyRequests):
        await made.check_admission(asking, "auto")


async def test_hold_has_the_daily_limit_of_the_plan() -> None:
    made, ledger, _ = serving(*whole("a"))
    async with made.answer(replace(TENANT, plan=replace(TENANT.plan, answers_per_day=3)), ASK) as answer:
        await answer.whole()
    assert [request.answers_per_day for request in ledger.requests] == [3]


async def test_side_call_is_refused_once_the_answers_of_the_day_are_used() -> None:
    made, ledger, setup = serving(*whole("a"))
    asking = replace(TENANT, plan=replace(TENANT.plan, answers_per_day=3))
    ledger.today = 2
    await made.check_admission(asking, "auto")
    ledger.today = 3
    with pytest.raises(DailyAnswersUsed) as refused:
        await made.check_admission(asking, "auto")
    assert refused.value.answers_per_day == 3
    assert refused.value.retry_after_seconds == seconds_left_today(setup.market.clock.now())
    await made.check_admission(TENANT, "auto")


async def test_closed_gateway_takes_no_new_work() -> None:
    made, ledger, _ = serving(*whole("a"))
    await made.close(0)
    with pytest.raises(Closing):
        async with made.answer(TENANT, ASK):
            pass
    assert ledger.requests == []


async def test_answers_in_flight_are_aborted_when_the_grace_is_over() -> None:
    made, ledger, setup = serving(*deltas("half"), NEVER())

    async def read() -> None:
        async with made.answer(TENANT, ASK) as answer:
            [event async for event in answer]

    reading = asyncio.create_task(read())
    while not setup.open:
        await asyncio.sleep(0)
    await made.close(0)
    with pytest.raises(Closing):
        await reading
    assert (ledger.holds[0].voided, ledger.holds[0].bill, made.in_flight) == (True, None, 0)


async def test_answers_in_flight_may_end_within_the_grace() -> None:
    go_on = asyncio.Event()
    made, ledger, setup = serving(go_on, *whole("a"))

    async def read() -> None:
        async with made.answer(TENANT, ASK) as answer:
            await answer.whole()

    reading = asyncio.create_task(read())
    while not setup.open:
        await asyncio.sleep(0)
    closing = asyncio.create_task(made.close(5))
    await asyncio.sleep(0)
    go_on.set()
    await closing
    await reading
    assert ledger.holds[0].bill is not None


class Objection(Exception):
    """An approval that was refused."""


async def test_side_call_is_not_counted_in_the_requests_per_minute() -> None:
    made, _, _ = serving(*whole("a"))
    before = made.admission.left(TENANT).remaining
    async with made.answer(TENANT, structs.replace(ASK, is_side_call=True)) as answer:
        await answer.whole()
    assert made.admission.left(TENANT).remaining == before
    async with made.answer(TENANT, structs.replace(ASK, id="another")) as answer:
        await answer.whole()
    assert made.admission.left(TENANT).remaining == before - 1


async def test_route_that_is_not_approved_is_asked_of_no_provider() -> None:
    made, ledger, setup = serving(*whole("a"))
    seen: list[tuple[str, int]] = []

    def object_to(model: Model, route: Route, payer_id: int) -> None:
        assert payer_id == TENANT.id
        seen.append((model.name, len(route.quotes)))
        raise Objection

    with pytest.raises(Objection):
        async with made.answer(TENANT, ASK, approve=object_to):
            raise AssertionError("the answer begins")
    assert seen == [("auto", len(made.route(made.market.catalog.models["auto"], ASK).quotes))]
    assert [hold.bill for hold in ledger.holds] == [None]
    assert setup.providers[0].calls == []
