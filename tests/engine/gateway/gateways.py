"""Gateways over scripted providers, and the request that tests ask them."""

from dataclasses import replace

from engine.catalog.offers import Drop, Model, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Role, Usage, says
from engine.errors import (
    Overloaded,
)
from engine.gateway.gateway import Gateway
from engine.money import Money
from engine.routing.health import Permit
from engine.tenancy import Flat, Tenant
from tests.engine.scripted import TENANT, AnswerSetup, ScriptedProvider, whole

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


def learn_lengths(made: Gateway) -> None:
    """Teach that answers to TENANT are long, and those to another tenant short."""
    for tenant_id, tokens in ((TENANT.id, 5000), (TENANT.id + 1, 50)):
        for _ in range(20):
            made.market.catalog.learn(ASK, CHEAP, Usage(100, tokens), "word " * tokens, tenant_id)
