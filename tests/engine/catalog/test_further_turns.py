from dataclasses import replace

import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.catalog.offers import Offer, Price, Rates, flat_price
from engine.catalog.prefix_caching import constant_rates, rates_of
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Role, Usage, says
from tests.engine.catalog.catalogs import NOON, asks, catalog


def later(of: Catalog, request: ChatRequest) -> dict[str, int]:
    quotes, _ = of.quote(request, of.model("auto"), NOON)
    return {quote.offer.name: quote.later_atto for quote in quotes}


CACHING, PLAIN = Offer("deepseek", "x"), Offer("mybox", "x")
LONG_PROMPT = says(Role.USER, "word " * 4000)


def two_offers(caching: Price, plain: Price) -> Catalog:
    book = PriceBook({CACHING.name: caching, PLAIN.name: plain})
    return catalog(frozenset({"deepseek", "mybox"}), (CACHING, PLAIN), book=book)


def test_request_without_a_conversation_has_no_further_turns() -> None:
    of = two_offers(flat_price("1", "1", "0.1"), flat_price("1", "1"))
    assert later(of, asks(LONG_PROMPT)) == {CACHING.name: 0, PLAIN.name: 0}


def test_further_turns_are_cheaper_where_the_prompt_is_cached() -> None:
    of = two_offers(flat_price("1", "1", "0.1"), flat_price("1", "1"))
    costs = later(of, asks(LONG_PROMPT, conversation="1:0"))
    assert 0 < costs[CACHING.name] < 0.6 * costs[PLAIN.name]


def test_dearer_offer_with_a_cache_is_planned_first_in_a_long_conversation_only() -> None:
    of = two_offers(flat_price("1.2", "1", "0.01"), flat_price("1", "1"))

    def first(request: ChatRequest) -> str:
        quotes, _ = of.quote(request, of.model("auto"), NOON)
        return min(quotes, key=lambda quote: quote.plan_atto).offer.name

    assert first(asks(LONG_PROMPT)) == PLAIN.name
    assert first(asks(LONG_PROMPT, conversation="1:0")) == CACHING.name


def test_learned_misses_make_the_cache_worthless() -> None:
    of = two_offers(flat_price("1", "1", "0.1"), flat_price("1", "1"))
    for _ in range(60):
        of.remember(asks(LONG_PROMPT, conversation="2:0"), CACHING, Usage(5000, 10), NOON)
    costs = later(of, asks(LONG_PROMPT, conversation="1:0"))
    assert costs[CACHING.name] == pytest.approx(costs[PLAIN.name], rel=0.06)


def test_further_turns_below_the_least_cached_length_earn_less() -> None:
    of = two_offers(flat_price("1", "1", "0.1"), flat_price("1", "1"))
    short = later(of, asks(conversation="1:0"))
    long = later(of, asks(LONG_PROMPT, conversation="1:0"))
    assert short[CACHING.name] / short[PLAIN.name] > long[CACHING.name] / long[PLAIN.name]


def test_further_turns_of_a_free_tier_cost_nothing() -> None:
    of = two_offers(flat_price("1", "1", "0.1"), flat_price("1", "1"))
    of.free = FreeTiers({PLAIN: FreeTierLimits(1, 1)})
    assert later(of, asks(LONG_PROMPT, conversation="1:0"))[PLAIN.name] == 0


def test_further_turns_cost_no_more_than_a_change_to_another_offer() -> None:
    """A cheap first turn is no reason to stay: the turns after it may be answered elsewhere."""
    of = two_offers(flat_price("1", "1", "0.1"), flat_price("5", "1"))
    costs = later(of, asks(LONG_PROMPT, conversation="1:0"))
    assert costs[CACHING.name] < costs[PLAIN.name] < 3 * costs[CACHING.name]


def test_without_caches_each_turn_goes_to_the_offer_that_is_cheapest_for_it() -> None:
    of = two_offers(flat_price("1.2", "1"), flat_price("1", "9"))
    costs = later(of, asks(says(Role.USER, "hi"), conversation="1:0"))
    assert costs[CACHING.name] == costs[PLAIN.name]


def test_change_to_a_last_resort_is_not_expected() -> None:
    of = two_offers(flat_price("1", "1"), flat_price("5", "1"))
    model = of.model("auto")
    model = replace(model, last_resort=frozenset({CACHING}))
    quotes, _ = of.quote(asks(LONG_PROMPT, conversation="1:0"), model, NOON)
    assert quotes[0].later_atto < quotes[1].later_atto / 3


def test_cache_earns_nothing_where_prompts_never_begin_alike() -> None:
    of = two_offers(flat_price("1", "1", "0.1"), flat_price("1", "1"))
    for number in range(60):
        changed = (says(Role.SYSTEM, f"It is {number}. " + "word " * 4000), says(Role.USER, "hi"))
        of.remember(asks(*changed, conversation="2:0"), CACHING, Usage(5000, 10), NOON)
    costs = later(of, asks(LONG_PROMPT, conversation="1:0"))
    assert costs[CACHING.name] == pytest.approx(costs[PLAIN.name], rel=0.06)


@pytest.mark.parametrize(
    ("tiers", "writes_cache", "is_constant"),
    [
        (((0, Rates(10, 1, 10, 20)),), True, True),
        (((0, Rates(10, 1, 12, 20)),), False, True),
        (((0, Rates(10, 1, 12, 20)),), True, False),
        (((0, Rates(10, 1, 10, 20)), (200, Rates(20, 2, 20, 40))), False, False),
    ],
)
def test_rates_are_constant_where_no_length_changes_them(
    tiers: tuple[tuple[int, Rates], ...], writes_cache: bool, is_constant: bool
) -> None:
    found = constant_rates(Price(tiers), writes_cache=writes_cache)
    assert found == (tiers[0][1] if is_constant else None)
    if is_constant:
        assert all(rates_of(Price(tiers), tokens, writes_cache=writes_cache) == found for tokens in (1, 1024, 10**6))
