"""The oracle that learns of an outage from its own failures: it pays for the first ones, and for nothing later."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from benchmarks.replay.informed import InformedOracle
from benchmarks.replay.inputs import Fault, Prompt
from benchmarks.replay.policies import ReplayCatalog, Tally, replay_oracle
from benchmarks.replay.world import Clock, World
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.tenancy import Flat

CHEAP, NEXT = Offer("cheap", "m"), Offer("next", "m")


def tally_of(fault: Fault, times: int, prompts: int = 40) -> Tally:
    """Return the results of a prompt a second, whose second offer costs `times` as much as the first."""
    prices = {CHEAP.name: flat_price("0.1", "0.4"), NEXT.name: flat_price(f"{times / 10}", f"{times * 4 / 10}")}
    model = Model("auto", (CHEAP, NEXT), Flat(0))
    market = ReplayCatalog(Catalog({"auto": model}, PriceBook(prices, {}), lambda _: True), model, Fraction(0))
    clock = Clock(datetime(2026, 11, 25, tzinfo=UTC))
    world = World([fault], 1)
    asked = [Prompt(number, number + 0.5, 400, 40) for number in range(prompts)]
    return replay_oracle(InformedOracle(market, world, clock), market, world, clock, asked)


def test_outage_costs_the_answers_under_way_and_one_failure() -> None:
    tally = tally_of(Fault(CHEAP.provider, 10.0, 30.0, "down", 0.05), 2)
    assert tally.wasted_attempts == 1
    assert tally.by_offer[NEXT.name] == 21
    assert None not in tally.costs.values()


def test_hang_is_known_some_seconds_after_its_first_attempt() -> None:
    tally = tally_of(Fault(CHEAP.provider, 10.0, 30.0, "slow", 30), 2)
    assert tally.wasted_attempts == 3
    assert None not in tally.costs.values()


@pytest.mark.parametrize(("times", "waits"), [(3, False), (4, True), (11, True)])
def test_short_outage_is_waited_for_where_the_next_offer_is_dear(times: int, *, waits: bool) -> None:
    tally = tally_of(Fault(CHEAP.provider, 10.0, 11.5, "down", 0.05), times)
    assert (tally.by_offer.get(NEXT.name, 0) == 0) is waits


def test_only_offer_is_waited_for_until_it_is_back() -> None:
    provider_of_both = Fault(CHEAP.provider, 10.0, 12.0, "down", 0.05)
    assert None not in tally_of(provider_of_both, 1000).costs.values()
