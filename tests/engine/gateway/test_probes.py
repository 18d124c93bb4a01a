"""One real prompt at the operator's cost, reported to health and journaled."""

import asyncio
from dataclasses import replace

import pytest

from engine.attempt_record import ANSWERED, AttemptRecord
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Offer
from engine.catalog.price_book import PriceBook
from engine.chat import Delta, Finish, Finished, Usage
from engine.errors import EmptyAnswer, Overloaded
from engine.gateway.probes import probe
from engine.money import Money
from engine.ports import LimitHeaders
from engine.routing.health import Denial
from tests.engine.scripted import END, NEVER, PRICE, AnswerSetup, ScriptedProvider, Step, whole

OFFER = Offer("one", "m")


def staged(*script: Step) -> AnswerSetup:
    """Return a setup with the offer in the price book, so that it can be quoted."""
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


class Observed:
    """An observer of attempts that keeps their records."""

    def __init__(self) -> None:
        self.records: list[AttemptRecord] = []

    def attempt_ended(self, attempt: AttemptRecord, finishes: tuple[str, ...], operation: str) -> None:
        assert (finishes, operation) == ((), "chat")
        self.records.append(attempt)


@pytest.mark.parametrize("script", [whole("ok"), [Overloaded("busy", status=503)]])
async def test_probe_is_journaled_as_the_first_attempt_of_its_request_and_observed(script: list[Step]) -> None:
    made, observed = staged(*script), Observed()
    await probe(replace(made.market, observers=(observed,)), OFFER, "p")
    [line] = made.journal.records
    assert (line.request_id, line.ordinal, line.asked) == ("p", 1, "m")
    assert observed.records == [line]


async def test_failed_probe_is_journaled_with_its_status() -> None:
    made = staged(Overloaded("busy", status=503))
    await probe(made.market, OFFER, "p")
    assert made.journal.records[0].status == 503


async def test_probe_teaches_the_quota_of_its_key_and_the_speed_of_its_provider() -> None:
    made = staged(*whole("ok"))
    asked: list[int] = []

    def limits(key: int) -> LimitHeaders:
        asked.append(key)
        return LimitHeaders(requests_left=0, requests_reset_seconds=60)

    made.providers[0].limits = limits  # type: ignore[method-assign]
    await probe(made.market, OFFER, "p")
    assert asked == [0]
    state = made.market.health.state("one")
    assert state.p50_first_token_ms is not None
    assert isinstance(made.market.health.admit(OFFER), Denial)
