"""One real prompt at the house's cost, told to health and journaled."""

from dataclasses import replace

from engine.attempt_record import ANSWERED
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Offer
from engine.catalog.prices import PriceBook
from engine.chat import Delta, Usage
from engine.errors import EmptyAnswer, Overloaded
from engine.gateway.probes import probe
from engine.money import Money
from tests.engine.scripted import END, PRICE, Scripted, Stage, Step, whole

OFFER = Offer("one", "m")


def staged(*script: Step) -> Stage:
    """The offer is in the price book, so that it can be quoted."""
    made = Stage(Scripted("one", list(script)))
    catalog = Catalog({}, PriceBook({OFFER.name: PRICE}), lambda _: True, known=(OFFER,))
    made.market = replace(made.market, catalog=catalog)
    return made


async def test_a_probe_that_is_answered_costs_the_house_and_nobody_else() -> None:
    made = staged(*whole("ok", tokens=(8, 1)))
    assert await probe(made.market, OFFER, "p") is None
    [line] = made.book.lines
    assert (line.outcome, line.tenant_id, line.kept) == (ANSWERED, None, False)
    assert line.waste == Money.from_atto(PRICE.cost_atto(Usage(8, 1)))
    assert made.providers[0].calls[0].output_tokens == 1


async def test_one_token_may_be_a_thought() -> None:
    made = staged(Delta(thinking="hm"), END, EmptyAnswer())
    assert await probe(made.market, OFFER, "p") is None


async def test_a_failed_probe_says_how() -> None:
    made = staged(Overloaded("x", status=503))
    failed = await probe(made.market, OFFER, "p")
    assert isinstance(failed, Overloaded)
    assert made.book.told() == [("one", "overloaded")]


async def test_an_offer_that_may_not_be_asked_is_not_asked() -> None:
    made = staged(*whole("ok"))
    made.market.health.drain("one")
    assert await probe(made.market, OFFER, "p") is None
    assert made.providers[0].calls == []
