"""Admission, offers that the gateway leaves out, and the error when none is left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from typing import cast

import pytest

from engine.catalog.offers import Drop, Model, Offer, Quote, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Role, Usage, says
from engine.errors import (
    Closing,
    DailyAnswersUsed,
    NoProvider,
    Overloaded,
    RateLimited,
    RequestRejected,
    SpendingCapReached,
    TooManyRequests,
)
from engine.gateway.gateway import Gateway, loses
from engine.holds import Grant, HoldRequest
from engine.money import Money
from engine.ports import Ledger
from engine.routing.health import Permit
from engine.tenancy import Flat, Markup, Tenant, seconds_left_today
from tests.engine.clock import START, HandClock
from tests.engine.scripted import NEVER, TENANT, AnswerSetup, ScriptedHold, ScriptedProvider, Step, deltas, shown, whole

CHEAP, DEAR = Offer("cheap", "m"), Offer("dear", "m")
FLAT = Flat(5 * 10**12)
ASK = ChatRequest("r", "auto", (says(Role.USER, "tell me something " * 20),))


class Lost:
    def __init__(self, usd: str) -> None:
        self.usd = usd

    async def lost_today(self, model: str) -> Money:
        assert model == "auto"
        return Money.usd(self.usd)


def gateway(*offers: Offer, lost: str = "0") -> tuple[Gateway, Model]:
    setup = AnswerSetup(*(ScriptedProvider(offer.provider, whole("words")) for offer in offers))
    model = Model("auto", offers, FLAT, max_loss_per_day=Money.usd("1"))
    book = PriceBook({"cheap/m": flat_price("1", "1"), "dear/m": flat_price("20", "20")})
    catalog = replace(setup.market.catalog, models={"auto": model}, book=book)
    market = replace(setup.market, catalog=catalog)
    return Gateway(market, None, losses=Lost(lost)), model  # type: ignore[arg-type]


async def planned(made: Gateway, model: Model, tenant: Tenant = TENANT) -> tuple[list[str], list[Drop]]:
    route = await made._route_or_journal(tenant, model, ASK)
    return [quote.offer.provider for quote in route.quotes], list(route.drops)


def fail(made: Gateway, offer: Offer, times: int = 5) -> None:
    for _ in range(times):
        permit = made.market.health.admit(offer)
        assert isinstance(permit, Permit)
        made.market.health.failed(permit, Overloaded("503", status=503))


async def test_losing_offer_is_used_until_the_day_has_lost_enough() -> None:
    assert (await planned(*gateway(CHEAP, DEAR, lost="0.99")))[0] == ["cheap", "dear"]


async def test_losing_offer_is_dropped_with_a_reason_after_that() -> None:
    quotes, drops = await planned(*gateway(CHEAP, DEAR, lost="1"))
    assert quotes == ["cheap"]
    assert drops == [Drop(DEAR, "costs more than it charges, and today has lost enough")]


async def test_losing_offer_is_used_where_nothing_counts_the_losses() -> None:
    made, model = gateway(CHEAP, DEAR)
    assert (await planned(Gateway(made.market, None), model))[0] == ["cheap", "dear"]  # type: ignore[arg-type]
    assert [quote.offer for quote in made.route(model, ASK).quotes] == [CHEAP, DEAR]


async def test_spending_cap_is_reached_where_only_losing_offers_are_left() -> None:
    with pytest.raises(SpendingCapReached) as caught:
        await planned(*gateway(DEAR, lost="2"))
    assert caught.value.per == "day"


def test_markup_loses_only_below_one() -> None:
    made, model = gateway(CHEAP)
    (quote,) = made.route(model, ASK).quotes
    assert not loses(quote, Markup(Fraction("1.4")))
    assert loses(quote, Markup(Fraction("0.5")))


async def test_only_offer_over_its_learned_rate_limit_stays_on_the_route() -> None:
    made, model = gateway(CHEAP)
    health = made.market.health
    for permit in [health.admit(CHEAP) for _ in range(10)]:
        assert isinstance(permit, Permit)
        health.succeeded(permit, 100)
    refused = health.admit(CHEAP)
    assert isinstance(refused, Permit)
    health.failed(refused, RateLimited(retry_after_seconds=0))
    route = made.route(model, ASK)
    assert [quote.offer for quote in route.quotes] == [CHEAP]
    assert route.is_over_limit


async def test_resting_offers_are_the_route_where_no_other_is_able() -> None:
    made, model = gateway(CHEAP)
    fail(made, CHEAP)
    assert [quote.offer for quote in made.route(model, ASK).quotes] == [CHEAP]


async def test_resting_offer_comes_first_once_an_attempt_at_it_is_due() -> None:
    made, model = gateway(CHEAP, DEAR)
    fail(made, CHEAP)
    assert [quote.offer for quote in made.route(model, ASK).quotes] == [DEAR]
    cast("HandClock", made.market.clock).wait(4)
    assert [quote.offer for quote in made.route(model, ASK).quotes] == [CHEAP, DEAR]


def learn_lengths(made: Gateway) -> None:
    """Teach that answers to TENANT are long, and those to another tenant short."""
    for tenant_id, tokens in ((TENANT.id, 5000), (TENANT.id + 1, 50)):
        for _ in range(20):
            made.market.catalog.learn(ASK, CHEAP, Usage(100, tokens), "word " * tokens, tenant_id)


def test_expected_cost_is_that_of_the_tenants_usual_answers() -> None:
    made, model = gateway(CHEAP)
    learn_lengths(made)
    short, usual = (made.route(model, ASK, each).quotes[0].expected_tokens for each in (TENANT.id + 1, None))
    assert short < usual


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


async def test_prompt_without_any_provider_is_journaled() -> None:
    setup = AnswerSetup(ScriptedProvider("cheap", whole("unasked")))
    setup.market.health.drain("cheap")
    model = Model("auto", (CHEAP,), FLAT)
    book = PriceBook({"cheap/m": flat_price("1", "1")})
    market = replace(setup.market, catalog=replace(setup.market.catalog, models={"auto": model}, book=book))
    with pytest.raises(NoProvider):
        await planned(Gateway(market, None), model)  # type: ignore[arg-type]
    [record] = setup.journal.records
    assert (record.provider, record.model, record.outcome, record.ordinal) == ("none", "none", "no_provider", 1)
    assert (record.tenant_id, record.request_id, record.cost) == (TENANT.id, "r", Money(0))
    assert record.started_at == START


def test_prompt_without_any_provider_says_when_to_repeat_it() -> None:
    made, model = gateway(CHEAP)
    made.market.health.drain("cheap")
    with pytest.raises(NoProvider) as failed:
        made.route(model, ASK)
    assert failed.value.retry_after_seconds == made.market.policy.rest_seconds


def test_offers_that_can_not_take_the_request_do_not_reject_it_where_another_one_only_rests() -> None:
    made, model = gateway(CHEAP, DEAR)
    made.market.catalog.teach_context(CHEAP, 10, 1000, made.market.clock.now())
    made.market.health.drain("dear")
    with pytest.raises(NoProvider):
        made.route(model, ASK)


def test_request_is_not_rejected_for_the_reasons_of_providers_without_a_key() -> None:
    made, model = gateway(CHEAP, DEAR)
    catalog = replace(made.market.catalog, configured=lambda name: name == "cheap")
    catalog.teach_context(CHEAP, 10, 1000, made.market.clock.now())
    with pytest.raises(RequestRejected) as rejected:
        Gateway(replace(made.market, catalog=catalog), None).route(model, ASK)  # type: ignore[arg-type]
    assert rejected.value.provider == "auto"
    assert "key" not in rejected.value.reason
    assert ";" not in rejected.value.reason


def test_request_that_no_offer_is_able_to_take_is_rejected_with_the_reasons() -> None:
    made, model = gateway(CHEAP)
    made.market.catalog.teach_context(CHEAP, 10, 1000, made.market.clock.now())
    with pytest.raises(RequestRejected) as rejected:
        made.route(model, ASK)
    assert rejected.value.reason.startswith("no model here can take this request: ")


def test_different_reasons_of_a_rejection_are_told_in_order() -> None:
    made, model = gateway(CHEAP, DEAR)
    for offer, tokens in ((CHEAP, 20), (DEAR, 10)):
        made.market.catalog.teach_context(offer, tokens, 1000, made.market.clock.now())
    with pytest.raises(RequestRejected) as rejected:
        made.route(model, ASK)
    reasons = rejected.value.reason.removeprefix("no model here can take this request: ").split("; ")
    assert len(reasons) == 2
    assert reasons == sorted(reasons)


def test_flat_tariff_loses_where_the_expected_cost_is_above_it() -> None:
    quote = Quote(CHEAP, flat_price("1", "1"), 100, expected_tokens=10)
    assert not loses(quote, Flat(10))
    assert loses(quote, Flat(9))


def test_markup_of_one_and_a_free_offer_never_lose() -> None:
    quote = Quote(CHEAP, flat_price("1", "1"), 100)
    assert not loses(quote, Markup(Fraction(1)))
    assert not loses(quote._replace(expected_atto=0), Markup(Fraction("0.5")))
    assert loses(quote._replace(expected_atto=1), Markup(Fraction("0.5")))


# --- the whole way ----------------------------------------------------------------------------------


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
    async with made.answer(TENANT, replace(ASK, epoch=7, key_id=5)) as answer:
        await answer.whole()
    assert [(request.epoch, request.key_id) for request in ledger.requests] == [(7, 5)]


async def test_output_is_bounded_by_the_least_of_request_plan_and_model() -> None:
    made, ledger, setup = serving(*whole("a"))
    for asked, limit in ((None, 100), (101, 100), (99, 99)):
        async with made.answer(TENANT, replace(ASK, max_output_tokens=asked)) as answer:
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
