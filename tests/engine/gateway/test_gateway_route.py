"""The offers that the gateway leaves out of a route, and the error if none is left."""

from dataclasses import replace
from fractions import Fraction
from typing import cast

import pytest

from engine.catalog.offers import Drop, Model, Quote, flat_price
from engine.catalog.price_book import PriceBook
from engine.errors import (
    NoProvider,
    RateLimited,
    RequestRejected,
    SpendingCapReached,
)
from engine.gateway.gateway import Gateway, loses
from engine.money import Money
from engine.routing.health import Permit
from engine.tenancy import Flat, Markup
from tests.engine.clock import START, HandClock
from tests.engine.gateway.gateways import ASK, CHEAP, DEAR, FLAT, fail, gateway, learn_lengths, planned
from tests.engine.scripted import TENANT, AnswerSetup, ScriptedProvider, whole


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
    assert [quote.offer for quote in made.route(model, ASK).quotes] == [DEAR, CHEAP]
    cast("HandClock", made.market.clock).wait(4)
    assert [quote.offer for quote in made.route(model, ASK).quotes] == [CHEAP, DEAR]


def test_expected_cost_is_that_of_the_tenants_usual_answers() -> None:
    made, model = gateway(CHEAP)
    learn_lengths(made)
    short, usual = (made.route(model, ASK, each).quotes[0].expected_tokens for each in (TENANT.id + 1, None))
    assert short < usual


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
