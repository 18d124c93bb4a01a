"""Admission, offers that the gateway leaves out, and the error when none is left."""

from dataclasses import replace
from fractions import Fraction

import pytest

from engine.catalog.offers import Model, Offer
from engine.catalog.prices import PriceBook, flat_price
from engine.chat import ChatRequest, Role, says
from engine.errors import NoProvider, RateLimited, SpendingCapReached
from engine.gateway.gateway import Gateway, loses
from engine.money import Money
from engine.routing.health import Permit
from engine.tenancy import Flat, Markup, Tenant
from tests.engine.scripted import TENANT, AnswerSetup, ScriptedProvider, whole

CHEAP, DEAR = Offer("cheap", "m"), Offer("dear", "m")
FLAT = Flat(5 * 10**12)
ASK = ChatRequest("r", "auto", (says(Role.USER, "tell me something " * 20),))


class Lost:
    def __init__(self, usd: str) -> None:
        self.usd = usd

    async def lost_today(self, model: str) -> Money:  # noqa: ARG002
        return Money.usd(self.usd)


def gateway(*offers: Offer, lost: str = "0") -> tuple[Gateway, Model]:
    setup = AnswerSetup(*(ScriptedProvider(offer.provider, whole("words")) for offer in offers))
    model = Model("auto", offers, FLAT, max_loss_per_day=Money.usd("1"))
    book = PriceBook({"cheap/m": flat_price("1", "1"), "dear/m": flat_price("20", "20")})
    catalog = replace(setup.market.catalog, models={"auto": model}, book=book)
    market = replace(setup.market, catalog=catalog)
    return Gateway(market, None, losses=Lost(lost)), model  # type: ignore[arg-type]


async def planned(made: Gateway, model: Model, tenant: Tenant = TENANT) -> tuple[list[str], list[str]]:
    route = await made._route_or_journal(tenant, model, ASK)
    return [quote.offer.provider for quote in route.quotes], [drop.reason for drop in route.drops]


async def test_losing_offer_is_used_until_the_day_has_lost_enough() -> None:
    assert (await planned(*gateway(CHEAP, DEAR, lost="0.99")))[0] == ["cheap", "dear"]


async def test_losing_offer_is_dropped_with_a_reason_after_that() -> None:
    quotes, drops = await planned(*gateway(CHEAP, DEAR, lost="1"))
    assert quotes == ["cheap"]
    assert drops == ["costs more than it charges, and today has lost enough"]


async def test_spending_cap_is_reached_where_only_losing_offers_are_left() -> None:
    with pytest.raises(SpendingCapReached):
        await planned(*gateway(DEAR, lost="2"))


def test_markup_loses_only_below_one() -> None:
    made, model = gateway(CHEAP)
    (quote,) = made.route(model, ASK).quotes
    assert not loses(quote, Markup(Fraction("1.4")))
    assert loses(quote, Markup(Fraction("0.5")))


async def test_only_offer_is_kept_under_its_learned_rate_limit() -> None:
    made, model = gateway(CHEAP)
    health = made.market.health
    permits = [health.admit(CHEAP) for _ in range(10)]
    for permit in permits:
        assert isinstance(permit, Permit)
        health.succeeded(permit, 100)
    refused = health.admit(CHEAP)
    assert isinstance(refused, Permit)
    health.failed(refused, RateLimited(retry_after_seconds=0))
    with pytest.raises(NoProvider) as told:
        made.route(model, ASK)
    assert told.value.retry_after_seconds == pytest.approx(60, abs=1)
