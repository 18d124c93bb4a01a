from collections.abc import Callable
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.offers import LOCAL, Drop, Offer, Quote
from engine.routing.permits import OfferStatus
from engine.routing.plan import ATTO_PER_USD, plan

A_SECOND_USD = Fraction("0.00001")


def quote(name: str, micro_usd: float, *, last_resort: bool = False) -> Quote:
    return Quote(Offer.named(name), LOCAL, int(micro_usd * 10**12), last_resort=last_resort)


def status(**of: OfferStatus) -> Callable[[Offer], OfferStatus]:
    return lambda offer: of.get(offer.provider, OfferStatus())


def names(quotes: tuple[Quote, ...]) -> list[str]:
    return [each.offer.provider for each in quotes]


def test_cheapest_offer_comes_first() -> None:
    route = plan([quote("b/m", 20), quote("a/m", 10), quote("c/m", 30)], [], status(), A_SECOND_USD)
    assert names(route.quotes) == ["a", "b", "c"]


def test_tie_goes_to_the_faster_offer() -> None:
    statuses = status(a=OfferStatus(first_token_seconds=2), b=OfferStatus(first_token_seconds=1))
    assert names(plan([quote("a/m", 10), quote("b/m", 10)], [], statuses, A_SECOND_USD).quotes) == ["b", "a"]


def test_last_resort_comes_after_all_others_however_cheap() -> None:
    quotes = [quote("last/m", 1, last_resort=True), quote("dear/m", 99)]
    assert names(plan(quotes, [], status(), A_SECOND_USD).quotes) == ["dear", "last"]


def test_unavailable_offer_is_dropped_with_the_reason() -> None:
    statuses = status(a=OfferStatus("drained by an operator"))
    route = plan([quote("a/m", 1), quote("b/m", 2)], [Drop(Offer("c", "m"), "takes no images")], statuses, A_SECOND_USD)
    assert names(route.quotes) == ["b"]
    assert [(drop.offer.provider, drop.reason) for drop in route.drops] == [
        ("c", "takes no images"),
        ("a", "drained by an operator"),
    ]


def test_flaky_cheap_offer_is_tried_first_when_that_pays() -> None:
    flaky = status(flaky=OfferStatus(failure_chance=0.5, failure_seconds=1))
    assert names(plan([quote("flaky/m", 10), quote("sound/m", 100)], [], flaky, A_SECOND_USD).quotes)[0] == "flaky"


def test_flaky_cheap_offer_comes_later_when_waiting_costs_more() -> None:
    flaky = status(flaky=OfferStatus(failure_chance=0.5, failure_seconds=20))
    assert names(plan([quote("flaky/m", 10), quote("sound/m", 100)], [], flaky, A_SECOND_USD).quotes)[0] == "sound"


def test_offer_that_always_fails_comes_last_but_stays() -> None:
    statuses = status(dead=OfferStatus(failure_chance=1, failure_seconds=1))
    assert names(plan([quote("dead/m", 1), quote("sound/m", 100)], [], statuses, A_SECOND_USD).quotes) == [
        "sound",
        "dead",
    ]


def test_offer_over_its_learned_limit_comes_even_after_the_last_resort() -> None:
    quotes = [quote("busy/m", 1), quote("last/m", 50, last_resort=True), quote("dear/m", 99)]
    route = plan(quotes, [], status(busy=OfferStatus(over_limit_seconds=0.5)), A_SECOND_USD)
    assert names(route.quotes) == ["dear", "last", "busy"]


def expected_total(order: tuple[Quote, ...], statuses: dict[str, OfferStatus]) -> float:
    """Return V = (1-p) cost + p (waiting + lost share + V of the rest); one dollar if all have failed."""
    total = float(ATTO_PER_USD)
    for each in reversed(order):
        status = statuses[each.offer.provider]
        waiting = float(A_SECOND_USD) * ATTO_PER_USD * status.failure_seconds
        lost = status.failure_chance * (waiting + status.failure_share * each.expected_atto + total)
        total = (1 - status.failure_chance) * each.expected_atto + lost
    return total


@given(
    st.lists(
        st.tuples(st.floats(1, 1000), st.floats(0, 0.95), st.floats(0, 30), st.floats(0, 1)),
        min_size=1,
        max_size=5,
    )
)
def test_no_other_order_has_a_lower_expected_total(offers: list[tuple[float, float, float, float]]) -> None:
    quotes = [quote(f"p{number}/m", micro) for number, (micro, *_) in enumerate(offers)]
    statuses = {
        f"p{number}": OfferStatus(failure_chance=chance, failure_seconds=seconds, failure_share=share)
        for number, (_, chance, seconds, share) in enumerate(offers)
    }
    route = plan(quotes, [], status(**statuses), A_SECOND_USD)
    best = min(expected_total(order, statuses) for order in permutations(quotes))
    assert expected_total(route.quotes, statuses) <= best * (1 + 1e-9)


def test_certain_failure_is_weighed_as_99_percent() -> None:
    surest, dearer = quote("dead/m", 100), quote("sound/m", 100 + 60 * 99 - 1)
    dead = status(dead=OfferStatus(failure_chance=1, failure_share=0.6))
    assert names(plan([surest, dearer], [], dead, A_SECOND_USD).quotes) == ["sound", "dead"]
    dearer = quote("sound/m", 100 + 60 * 99 + 1)
    assert names(plan([surest, dearer], [], dead, A_SECOND_USD).quotes) == ["dead", "sound"]


def test_waiting_for_a_failure_is_priced_by_the_second() -> None:
    slow = status(slow=OfferStatus(failure_chance=0.5, failure_seconds=3, failure_share=0.6))
    for micro_usd, first in ((16 + 30 - 1, "sound"), (16 + 30 + 1, "slow")):
        route = plan([quote("slow/m", 10), quote("sound/m", micro_usd)], [], slow, A_SECOND_USD)
        assert names(route.quotes)[0] == first


def test_request_that_takes_exactly_the_remaining_tokens_fits() -> None:
    quotes = [quote("a/m", 1)._replace(expected_tokens=100), quote("b/m", 2)]
    for remaining, first in ((100, "a"), (99, "b")):
        route = plan(quotes, [], status(a=OfferStatus(remaining_tokens=remaining)), A_SECOND_USD)
        assert names(route.quotes)[0] == first


def test_quotes_that_are_alike_keep_their_order() -> None:
    assert names(plan([quote("b/m", 1), quote("a/m", 1)], [], status(), A_SECOND_USD).quotes) == ["b", "a"]


def test_place_under_a_limit_goes_to_the_prompt_that_saves_more_than_it_is_worth() -> None:
    limited = status(cheap=OfferStatus(slot_atto=30 * 10**12))
    for cost_of_next, first in ((39, "next"), (41, "cheap")):
        quotes = [quote("cheap/m", 10), quote("next/m", cost_of_next)]
        assert names(plan(quotes, [], limited, A_SECOND_USD).quotes)[0] == first


def test_route_names_the_cheapest_offer_and_its_saving_whatever_the_limits() -> None:
    busy = status(a=OfferStatus(over_limit_seconds=9, slot_atto=10**15))
    quotes = [quote("a/m", 10), quote("b/m", 25), quote("last/m", 1, last_resort=True)]
    route = plan(quotes, [], busy, A_SECOND_USD)
    assert (route.cheapest, route.saving_atto) == (Offer("a", "m"), 15 * 10**12)
    assert plan(quotes[:1], [], busy, A_SECOND_USD).cheapest is None


def test_only_offers_that_may_return_are_resting() -> None:
    statuses = status(a=OfferStatus("breaker open", may_return=True), b=OfferStatus("drained by an operator"))
    route = plan([quote("a/m", 1), quote("b/m", 1)], [], statuses, A_SECOND_USD)
    assert (route.quotes, names(route.resting), len(route.drops)) == ((), ["a"], 2)


def test_route_is_over_limit_only_when_every_quote_is() -> None:
    busy = status(a=OfferStatus(over_limit_seconds=1))
    assert plan([quote("a/m", 1)], [], busy, A_SECOND_USD).is_over_limit
    assert not plan([quote("a/m", 1), quote("b/m", 9)], [], busy, A_SECOND_USD).is_over_limit


def test_two_quotes_over_their_limits_make_a_route_over_limit_that_still_names_the_cheapest() -> None:
    busy = status(a=OfferStatus(over_limit_seconds=1), b=OfferStatus(remaining_tokens=-1))
    route = plan([quote("a/m", 1), quote("b/m", 9)], [], busy, A_SECOND_USD)
    assert (route.is_over_limit, route.cheapest) == (True, Offer("a", "m"))


def test_later_turns_of_a_conversation_count() -> None:
    cheap_now, cheap_later = quote("now/m", 5)._replace(later_atto=20 * 10**12), quote("later/m", 10)
    assert names(plan([cheap_now, cheap_later], [], status(), A_SECOND_USD).quotes) == ["later", "now"]


def test_saving_is_between_two_offers() -> None:
    alone = plan([quote("a/m", 10)], [], status(), A_SECOND_USD)
    assert (alone.cheapest, alone.saving_atto) == (None, 0)
    two = plan([quote("a/m", 10), quote("b/m", 25)], [], status(), A_SECOND_USD)
    assert (two.cheapest, two.saving_atto) == (Offer("a", "m"), 15 * 10**12)


OVER = OfferStatus(over_limit_seconds=9, may_exceed=True)
RESTS = OfferStatus("rests", may_return=True)


def order_of(prices: dict[str, float], **of: OfferStatus) -> list[str]:
    return names(plan([quote(name, price) for name, price in prices.items()], (), status(**of), Fraction(0)).quotes)


def test_limit_is_exceeded_where_the_next_offer_is_dear_because_another_rests() -> None:
    assert order_of({"a": 10, "b": 11, "c": 21}, a=OVER, b=RESTS) == ["a", "c"]


@pytest.mark.parametrize(
    ("prices", "over"),
    [
        ({"a": 10, "b": 11, "c": 19}, OVER),  # the next offer is not dear
        ({"a": 10, "b": 20, "c": 25}, OVER),  # nor is it because of the resting one
        ({"a": 10, "b": 11, "c": 21}, OVER._replace(may_exceed=False)),
        ({"a": 10, "b": 11, "c": 21}, OVER._replace(remaining_tokens=-1)),
    ],
)
def test_limit_is_kept(prices: dict[str, float], over: OfferStatus) -> None:
    assert order_of(prices, a=over, b=RESTS) == ["c", "a"]


def test_limit_is_kept_where_the_next_offer_is_as_dear_as_usual() -> None:
    assert order_of({"a": 10, "c": 500}, a=OVER) == ["c", "a"]


TESTED = OfferStatus(over_limit_seconds=9, may_test=True)


@pytest.mark.parametrize(
    ("dear", "over", "first"),
    [
        (31, TESTED, "a"),
        (30, TESTED, "c"),  # not over three times as much
        (31, TESTED._replace(may_test=False), "c"),
        (31, TESTED._replace(remaining_tokens=-1), "c"),
    ],
)
def test_limit_is_tested_where_the_next_offer_costs_over_three_times_as_much(
    dear: float, over: OfferStatus, first: str
) -> None:
    assert order_of({"a": 10, "c": dear}, a=over)[0] == first


def test_limit_is_exceeded_where_the_next_offer_is_dear_because_another_fails() -> None:
    fails = OfferStatus(failure_chance=0.9, failure_share=1.0)
    assert order_of({"a": 10, "b": 11, "c": 40}, a=OVER, b=fails) == ["a", "c", "b"]


def test_resting_offer_is_still_compared_with_the_next_one_while_a_limit_is_exceeded() -> None:
    rests = RESTS._replace(may_be_early=True)
    route = plan([quote("a", 10), quote("b", 11), quote("c", 21)], (), status(a=OVER, b=rests), Fraction(0))
    assert names(route.quotes) == ["a", "c"]
    assert [(each.quote.offer.provider, each.saving_atto) for each in route.early] == [("b", 10 * 10**12)]
