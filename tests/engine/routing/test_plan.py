from collections.abc import Callable
from fractions import Fraction
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.offers import Drop, Offer, Quote
from engine.catalog.prices import LOCAL
from engine.routing.plan import ATTO_PER_USD, FAILURE_SHARE, Standing, plan

A_SECOND_USD = Fraction("0.00001")


def quote(name: str, micro_usd: float, *, last_resort: bool = False) -> Quote:
    return Quote(Offer.named(name), LOCAL, int(micro_usd * 10**12), last_resort=last_resort)


def standing(**of: Standing) -> Callable[[Offer], Standing]:
    return lambda offer: of.get(offer.provider, Standing())


def names(quotes: tuple[Quote, ...]) -> list[str]:
    return [each.offer.provider for each in quotes]


def test_the_cheapest_comes_first() -> None:
    route = plan([quote("b/m", 20), quote("a/m", 10), quote("c/m", 30)], [], standing(), A_SECOND_USD)
    assert names(route.quotes) == ["a", "b", "c"]


def test_a_tie_goes_to_the_faster() -> None:
    stands = standing(a=Standing(latency_seconds=2), b=Standing(latency_seconds=1))
    assert names(plan([quote("a/m", 10), quote("b/m", 10)], [], stands, A_SECOND_USD).quotes) == ["b", "a"]


def test_a_last_resort_comes_after_all_others_however_cheap() -> None:
    quotes = [quote("last/m", 1, last_resort=True), quote("dear/m", 99)]
    assert names(plan(quotes, [], standing(), A_SECOND_USD).quotes) == ["dear", "last"]


def test_who_may_not_be_asked_is_left_out_with_the_reason() -> None:
    stands = standing(a=Standing("drained by an operator"))
    route = plan([quote("a/m", 1), quote("b/m", 2)], [Drop(Offer("c", "m"), "takes no images")], stands, A_SECOND_USD)
    assert names(route.quotes) == ["b"]
    assert [(drop.offer.provider, drop.reason) for drop in route.drops] == [
        ("c", "takes no images"),
        ("a", "drained by an operator"),
    ]


def test_a_flaky_cheap_offer_is_tried_first_when_that_pays() -> None:
    flaky = standing(flaky=Standing(odds=0.5, delay_seconds=1))
    assert names(plan([quote("flaky/m", 10), quote("sound/m", 100)], [], flaky, A_SECOND_USD).quotes)[0] == "flaky"


def test_a_flaky_cheap_offer_is_not_tried_first_when_waiting_costs_more() -> None:
    flaky = standing(flaky=Standing(odds=0.5, delay_seconds=20))
    assert names(plan([quote("flaky/m", 10), quote("sound/m", 100)], [], flaky, A_SECOND_USD).quotes)[0] == "sound"


def test_one_that_always_fails_comes_last_but_stays() -> None:
    stands = standing(dead=Standing(odds=1, delay_seconds=1))
    assert names(plan([quote("dead/m", 1), quote("sound/m", 100)], [], stands, A_SECOND_USD).quotes) == [
        "sound",
        "dead",
    ]


def test_one_at_its_learned_limit_comes_after_all_others_even_the_last_resort() -> None:
    quotes = [quote("crowded/m", 1), quote("last/m", 50, last_resort=True), quote("dear/m", 99)]
    route = plan(quotes, [], standing(crowded=Standing(crowded_seconds=12)), A_SECOND_USD)
    assert names(route.quotes) == ["dear", "last", "crowded"]


def expected_total(order: tuple[Quote, ...], stands: dict[str, Standing]) -> float:
    """V = (1-p) cost + p (waiting + what is lost + V of the rest); a rest that costs a dollar when all have failed."""
    total = float(ATTO_PER_USD)
    for each in reversed(order):
        stand = stands[each.offer.provider]
        waiting = float(A_SECOND_USD) * ATTO_PER_USD * stand.delay_seconds
        lost = stand.odds * (waiting + FAILURE_SHARE * each.expected_atto + total)
        total = (1 - stand.odds) * each.expected_atto + lost
    return total


@given(
    st.lists(
        st.tuples(st.floats(1, 1000), st.floats(0, 0.95), st.floats(0, 30)),
        min_size=1,
        max_size=5,
    )
)
def test_no_other_order_has_a_lower_expected_total(offers: list[tuple[float, float, float]]) -> None:
    quotes = [quote(f"p{number}/m", micro) for number, (micro, _, _) in enumerate(offers)]
    stands = {f"p{number}": Standing("", odds, delay) for number, (_, odds, delay) in enumerate(offers)}
    route = plan(quotes, [], standing(**stands), A_SECOND_USD)
    best = min(expected_total(order, stands) for order in permutations(quotes))
    assert expected_total(route.quotes, stands) <= best * (1 + 1e-9)
