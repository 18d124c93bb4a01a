"""One real prompt at the operator's cost, reported to health and journaled."""

import asyncio
from dataclasses import replace

import pytest

from engine.attempt_record import ANSWERED
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Offer
from engine.catalog.price_book import PriceBook
from engine.chat import Delta, Finish, Finished, Usage
from engine.errors import EmptyAnswer, Overloaded
from engine.gateway.probes import probe
from engine.money import Money
from tests.engine.scripted import END, NEVER, PRICE, AnswerSetup, ScriptedProvider, Step, whole

OFFER = Offer("one", "m")


def staged(*script: Step) -> AnswerSetup:
    """The offer is in the price book, so that it can be quoted."""
    made = AnswerSetup(ScriptedProvider("one", list(script)))
    catalog = Catalog({}, PriceBook({OFFER.name: PRICE}), lambda _: True, known=(OFFER,))
    made.market = replace(made.market, catalog=catalog)
    return made


async def test_answered_probe_is_waste_of_the_operator() -> None:
    made = staged(*whole("ok", tokens=(8, 1)))
    assert await probe(made.market, OFFER, "p") is None
    [line] = made.journal.records
    assert (line.outcome, line.tenant_id, line.kept) == (ANSWERED, None, False)
    assert line.waste == Money.from_atto(PRICE.cost_atto(Usage(8, 1)))
    assert made.providers[0].calls[0].output_tokens == 1


@pytest.mark.parametrize("script", [[Delta(thinking="hm"), END], [Finished(Finish.LENGTH), Usage(8, 1)]])
async def test_probe_whose_one_token_is_reasoning_succeeds(script: list[Step]) -> None:
    made = staged(*script)
    assert await probe(made.market, OFFER, "p") is None
    assert made.journal.outcomes() == [("one", ANSWERED)]


async def test_probe_that_ends_with_nothing_fails() -> None:
    assert isinstance(await probe(staged(END).market, OFFER, "p"), EmptyAnswer)


async def test_failed_probe_returns_its_error() -> None:
    made = staged(Overloaded("x", status=503))
    failed = await probe(made.market, OFFER, "p")
    assert isinstance(failed, Overloaded)
    assert made.journal.outcomes() == [("one", "overloaded")]


async def test_drained_offer_is_not_probed() -> None:
    made = staged(*whole("ok"))
    made.market.health.drain("one")
    assert await probe(made.market, OFFER, "p") is None
    assert made.providers[0].calls == []


async def test_cancelled_probe_closes_its_connection_and_frees_its_permit() -> None:
    setup = staged(NEVER(), *whole("ok"))
    probing = asyncio.create_task(probe(setup.market, OFFER, "p"))
    while not setup.open:
        await asyncio.sleep(0)
    probing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing
    assert (setup.open, setup.journal.records) == (0, [])
    assert setup.market.health.state("one").failures == 0


async def test_offer_that_cannot_be_quoted_is_not_probed() -> None:
    setup = staged(*whole("ok"))
    catalog = replace(setup.market.catalog, book=PriceBook())
    assert await probe(replace(setup.market, catalog=catalog), OFFER, "p") is None
    assert (setup.providers[0].calls, setup.journal.records) == ([], [])
