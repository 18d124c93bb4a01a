"""Reports of attempts reach the breakers, the track records and the keys that they concern."""

import pytest

from engine.errors import NoSuchModel, ProviderError, RateLimited, RequestFault, Unreachable
from engine.routing.health import Permit, State
from tests.engine.two_providers import A2, DOWN, A, B, TwoProviders


def cut(providers: TwoProviders, error: ProviderError, times: int) -> None:
    """Let answers begin, and cut them a second later."""
    for _ in range(times):
        permit = providers.permit()
        providers.health.first_token(permit)
        providers.clock.wait(1)
        providers.health.failed(permit, error)


def test_answers_that_were_cut_open_the_breaker_of_their_offer(providers: TwoProviders) -> None:
    cut(providers, DOWN, 5)
    assert providers.denial(A).may_be_early
    providers.permit(A2)


def test_connections_that_were_cut_open_the_breaker_of_the_provider(providers: TwoProviders) -> None:
    cut(providers, Unreachable(), 5)
    assert providers.state() is State.OPEN
    assert providers.denial(A2).may_be_early


def test_cut_answer_costs_more_than_a_failure_before_the_first_token(providers: TwoProviders) -> None:
    cut(providers, DOWN, 1)
    of_cut, of_provider = providers.health.status(A).failure_share, providers.health.status(A2).failure_share
    other = TwoProviders()
    other.fails(DOWN)
    assert of_cut == of_provider > other.health.status(A).failure_share


def test_report_of_one_answer_leaves_the_others_alive(providers: TwoProviders) -> None:
    first, second = providers.permit(), providers.permit()
    providers.health.first_token(first)
    providers.health.first_token(second)
    providers.health.succeeded(first, 300)
    before = providers.health.status(A).failure_share
    providers.health.failed(second, DOWN)
    assert providers.health.status(A).failure_share > before


@pytest.mark.parametrize("ends", ["failed", "abandoned"])
def test_attempt_from_before_the_outage_does_not_end_the_probe(providers: TwoProviders, ends: str) -> None:
    earlier = providers.permit()
    providers.fails(DOWN, 5)
    providers.clock.wait(5)
    assert providers.permit().probe
    if ends == "abandoned":
        providers.health.abandoned(earlier)
    else:
        providers.health.failed(earlier, RequestFault("too long"))
    assert providers.denial().may_be_early


def test_limit_of_a_day_and_limit_of_tokens_teach_no_requests_per_minute() -> None:
    learned = {}
    for error in (RateLimited(), RateLimited(per_day=True), RateLimited(of_tokens=True)):
        providers = TwoProviders()
        providers.succeeds(30)
        providers.fails(error)
        learned[error.per_day, error.of_tokens] = providers.health.state("a").requests_per_minute
    assert learned[False, False] is not None
    assert learned[True, False] is learned[False, True] is None


def test_place_under_a_learned_limit_costs_as_much_as_the_prompts_beyond_it_save(providers: TwoProviders) -> None:
    providers.succeeds(10)
    providers.fails(RateLimited(status=429, retry_after_seconds=1))
    providers.clock.wait(61)
    assert providers.health.status(A).slot_atto == 0
    for _ in range(60):
        providers.health.demanded(A, 7.0)
    providers.clock.wait(1)
    assert providers.health.status(A).slot_atto == 7.0
    assert providers.health.status(B).slot_atto == 0


def test_place_costs_less_while_a_limit_is_raised_so_that_prompts_of_little_saving_raise_it(
    providers: TwoProviders,
) -> None:
    providers.succeeds(10)
    providers.fails(RateLimited(status=429, retry_after_seconds=1))
    providers.clock.wait(2)
    for saving in range(22):
        providers.health.demanded(A, float(saving))
    assert providers.health.status(A).slot_atto == 11.0  # ten places, for savings from 12 to 21
    providers.clock.wait(10)
    assert providers.health.status(A).slot_atto == 10.0  # one more is tried
    providers.succeeds(1)
    providers.clock.wait(1)
    assert providers.health.status(A).slot_atto == 6.0  # eleven, two more that are tried, and one place is free


def test_health_of_an_offer_is_the_one_that_attempts_report_to(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    assert providers.health.offer_health("a", "m").breaker.is_open
    assert not providers.health.offer_health("a", "other").breaker.is_open
    assert not providers.health.offer_health("b", "m").breaker.is_open


def test_status_of_a_calm_offer_is_one_object(providers: TwoProviders) -> None:
    providers.succeeds()
    assert providers.health.status(A) is providers.health.status(A)


def test_first_of_two_offers_alike_is_attempted_early(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.fails(DOWN, 5, offer=B)
    for offers in ((A, B), (B, A)):
        early = providers.health.early(offers)
        assert early is not None
        assert early.offer == offers[0]


def test_offer_that_is_gone_does_not_hide_the_next_from_early_attempts(providers: TwoProviders) -> None:
    providers.fails(NoSuchModel(), offer=A2)
    providers.fails(DOWN, 5)
    early = providers.health.early((A2, A))
    assert early is not None
    assert early.offer == A


def test_attempt_outside_a_rest_is_no_early_one(providers: TwoProviders) -> None:
    permit = providers.health.admit(A, early=True)
    assert isinstance(permit, Permit)
    assert not permit.early
    providers.fails(DOWN, 5)
    assert not providers.permit(B).early


def test_permits_have_numbers_of_their_own(providers: TwoProviders) -> None:
    numbers = [providers.permit(offer).number for offer in (A, A2, B)]
    assert numbers == [1, 2, 3]
