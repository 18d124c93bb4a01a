"""Attempts at a resting offer although another offer is available, because that one costs more."""

from fractions import Fraction
from itertools import pairwise
from math import sqrt

import pytest

from engine.catalog.offers import Drop, Offer
from engine.errors import FirstTokenLate
from engine.routing.permits import Permit
from engine.routing.plan import Route, plan, with_early
from tests.engine.routing.prompts import CHEAP, DEAR, Prompt
from tests.engine.two_providers import DOWN, A, B, TwoProviders

DELAY = Fraction("0.00001")  # USD for each second


def route_of(providers: TwoProviders, delay: Fraction = DELAY) -> Route:
    return with_early(plan([CHEAP, DEAR], (), providers.health.status, delay), providers.health)


def offers(route: Route) -> list[Offer]:
    return [quote.offer for quote in route.quotes]


def test_resting_offer_comes_first_some_tenths_of_a_second_after_the_latest_failure(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    assert offers(route_of(providers)) == [B, A]
    providers.clock.wait(0.59)
    assert offers(route_of(providers)) == [B, A]
    providers.clock.wait(0.02)
    assert offers(route_of(providers)) == [A, B]


def test_offer_in_the_first_place_is_not_among_the_drops(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    assert [drop.offer for drop in route_of(providers).drops] == [A]
    providers.clock.wait(1)
    route = plan([CHEAP], [Drop(B, "context too short")], providers.health.status, DELAY)
    assert [drop.offer for drop in with_early(route, providers.health).drops] == [B, A]
    assert route_of(providers).drops == ()


def test_good_attempt_ends_the_rest(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(1)
    prompt = Prompt(providers, *route_of(providers).quotes)
    choice = prompt.next()
    assert choice is not None
    assert (choice.permit.offer, choice.permit.early) == (A, True)
    providers.health.first_token(choice.permit)
    assert providers.health.status(A).reason == ""


def test_failed_attempt_is_repeated_once_and_prolongs_no_rest(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(1)
    prompt = Prompt(providers, *route_of(providers).quotes)
    prompt.fail(prompt.next())
    prompt.fail(prompt.next())
    choice = prompt.next()
    assert choice is not None
    assert choice.permit.offer == B
    providers.clock.wait(4.01 - prompt.waited_seconds)
    assert providers.permit().offer == A


def test_pauses_between_attempts_grow_with_the_outage(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    at = []
    for tenth in range(1000):
        providers.clock.wait(0.1)
        if offers(route_of(providers))[0] == A:
            at.append((tenth + 1) / 10)
            permit = providers.health.admit(A, early=True)
            assert isinstance(permit, Permit)
            providers.health.failed(permit, DOWN)
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert 0.5 <= pauses[0] < 0.8
    most = [max(0.6, 0.12 * min(moment, sqrt(20 * moment))) for moment in at[1:]]
    assert all(pause <= longest + 0.11 for longest, pause in zip(most, pauses, strict=True))
    assert pauses[-1] > 5
    assert 30 < len(at) < 45


@pytest.fixture
def slow_seconds(providers: TwoProviders) -> float:
    """Let the offer fail slowly until it rests, and begin a probe; return the seconds of a failure."""
    permits = [providers.permit() for _ in range(5)]
    providers.clock.wait(20)
    for permit in permits:
        providers.health.failed(permit, FirstTokenLate())
    providers.clock.wait(5)
    providers.permit()
    return providers.health.status(A).failure_seconds


def test_slow_failure_is_paid_for_before_the_next_attempt(providers: TwoProviders, slow_seconds: float) -> None:
    delay, saving_atto = Fraction(1), float(DEAR.expected_atto - CHEAP.expected_atto)
    providers.clock.wait(slow_seconds)
    providers.health.passed_over(A, slow_seconds * 10**18 - 1.5 * saving_atto)
    assert offers(route_of(providers, delay)) == [B, A]
    assert offers(route_of(providers, delay)) == [A, B]


def test_five_slow_attempts_at_most_are_under_way(providers: TwoProviders, slow_seconds: float) -> None:
    providers.health.passed_over(A, 10**15)
    providers.clock.wait(slow_seconds / 5 - 0.1)
    assert offers(route_of(providers)) == [B, A]
    providers.clock.wait(0.2)
    assert offers(route_of(providers)) == [A, B]


def test_dearer_resting_offer_and_a_last_resort_are_not_attempted_early(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(1)
    status_of = providers.health.status
    dear = plan([CHEAP._replace(expected_atto=DEAR.expected_atto + 1), DEAR], (), status_of, DELAY)
    last = plan([CHEAP._replace(last_resort=True), DEAR], (), status_of, DELAY)
    assert (dear.early, last.early) == ((), ())
    assert len(plan([CHEAP, DEAR], (), status_of, DELAY).early) == 1


@pytest.mark.parametrize(("times", "share"), [(1.01, 1), (1.1, 0.57), (2, 0.18), (4, 0.12), (25, 0.12)])
def test_pause_is_a_longer_share_of_the_outage_the_less_is_saved(
    providers: TwoProviders, times: float, share: float
) -> None:
    providers.fails(DOWN, 5)
    dear = DEAR._replace(expected_atto=int(CHEAP.expected_atto * times))
    (early,) = plan([CHEAP, dear], (), providers.health.status, DELAY).early
    assert early.pause_share == pytest.approx(share, rel=0.01)


def early_attempt(providers: TwoProviders) -> Permit:
    permit = providers.health.admit(A, early=True)
    assert isinstance(permit, Permit)
    return permit


def test_each_resting_offer_is_attempted_early_and_the_cheapest_comes_first(providers: TwoProviders) -> None:
    dearest = DEAR._replace(offer=Offer("b", "other"), expected_atto=10**14)
    providers.fails(DOWN, 5)
    providers.fails(DOWN, 5, offer=B)
    providers.clock.wait(0.7)
    route = plan([CHEAP, DEAR, dearest], (), providers.health.status, DELAY)
    assert [early.quote.offer for early in route.early] == [A, B]
    assert offers(with_early(route, providers.health)) == [A, dearest.offer, B]
    early_attempt(providers)
    assert offers(with_early(route, providers.health)) == [B, dearest.offer, A]


def test_prompts_follow_an_early_attempt_that_outlives_the_usual_failure(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)  # at once
    providers.clock.wait(0.4)
    early_attempt(providers)
    providers.clock.wait(0.09)
    assert offers(route_of(providers)) == [B, A]
    providers.clock.wait(0.02)
    assert offers(route_of(providers)) == [A, B]
    permits = [early_attempt(providers) for _ in range(5)]
    assert offers(route_of(providers)) == [B, A]
    providers.health.failed(permits[0], DOWN)
    assert offers(route_of(providers)) == [A, B]


def test_attempt_from_before_the_outage_says_nothing_about_its_end(providers: TwoProviders) -> None:
    pending = providers.permit()
    providers.clock.wait(0.2)
    providers.fails(DOWN, 5)
    providers.clock.wait(0.25)
    assert offers(route_of(providers)) == [B, A]
    providers.health.failed(pending, DOWN)


def test_end_of_a_rest_is_probed_however_long_cut_answers_had_taken(providers: TwoProviders) -> None:
    permits = [providers.permit() for _ in range(4)]
    for permit in permits:
        providers.health.first_token(permit)
    providers.clock.wait(60)
    for permit in permits:
        providers.health.failed(permit, DOWN)
    providers.fails(DOWN)
    providers.clock.wait(5.1)
    near = DEAR._replace(expected_atto=int(CHEAP.expected_atto * 1.2))
    assert offers(plan([CHEAP, near], (), providers.health.status, Fraction("1e-8"))) == [A, B]


def test_offer_that_has_only_failed_lately_is_attempted_early_without_a_rest(providers: TwoProviders) -> None:
    providers.succeeds(10)
    providers.fails(DOWN, 4)
    near = DEAR._replace(expected_atto=int(CHEAP.expected_atto * 1.2))

    def order() -> list[Offer]:
        delay = Fraction("0.000001")
        return offers(with_early(plan([CHEAP, near], (), providers.health.status, delay), providers.health))

    assert order() == [B, A]
    providers.clock.wait(2.1)  # a share of the outage, counted as 5 s
    found = [order() for _ in range(9)]
    assert found[0] == [B, A]  # a failed attempt is not paid for yet
    assert found[-1] == [A, B]
    providers.succeeds()
    assert providers.health.status(A).may_be_early is False
