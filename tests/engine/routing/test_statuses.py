"""The status of offers and providers for display."""

from datetime import timedelta

import pytest

from engine.catalog.offers import Offer
from engine.errors import KeyRefused, NoSuchModel, RateLimited
from engine.routing.provider_health import OfferState, State, Status
from tests.engine.two_providers import A2, DOWN, A, TwoProviders


def state(providers: TwoProviders, offer: Offer = A) -> OfferState:
    return providers.health.offer_state(offer)


def test_untried_offer_answers(providers: TwoProviders) -> None:
    assert state(providers) == OfferState("m", State.CLOSED, Status.ANSWERING)
    assert providers.health.status_of("a") is Status.ANSWERING


def test_one_failure_is_failing_until_the_next_success(providers: TwoProviders) -> None:
    providers.fails(DOWN, 1)
    assert (state(providers).state, state(providers).status) == (State.CLOSED, Status.FAILING)
    assert providers.health.status_of("a") is Status.FAILING
    providers.succeeds()
    assert state(providers).status is Status.ANSWERING


def test_often_failing_offer_is_failing_after_a_success(providers: TwoProviders) -> None:
    for _ in range(4):
        providers.fails(DOWN, 1)
        providers.succeeds()
    assert state(providers).status is Status.FAILING


def test_open_breaker_rests_until_a_time_and_is_then_failing(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    until = providers.clock.now() + timedelta(seconds=5)
    assert state(providers) == OfferState("m", State.OPEN, Status.RESTING, until)
    assert providers.health.status_of("a") is Status.RESTING
    assert state(providers, A2).status is Status.ANSWERING
    providers.clock.wait(5)
    assert state(providers) == OfferState("m", State.HALF_OPEN, Status.FAILING)
    providers.succeeds()
    assert state(providers) == OfferState("m", State.CLOSED, Status.ANSWERING)


def test_provider_whose_only_attempt_was_rate_limited_rests(providers: TwoProviders) -> None:
    providers.fails(RateLimited(retry_after_seconds=30), 1)
    assert providers.health.status_of("a") is Status.RESTING
    assert providers.health.state("a").seconds > 0
    providers.succeeds(offer=A2)
    assert providers.health.status_of("a") is Status.ANSWERING


def test_provider_with_an_offer_that_answers_is_answering(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.succeeds(offer=A2)
    assert providers.health.status_of("a") is Status.ANSWERING


@pytest.mark.parametrize(
    ("error", "rest_seconds"), [(RateLimited(retry_after_seconds=30), 30), (NoSuchModel(), 3600), (KeyRefused(), None)]
)
def test_rest_with_a_known_end_has_its_time(
    providers: TwoProviders, error: RateLimited | NoSuchModel | KeyRefused, rest_seconds: int | None
) -> None:
    providers.fails(error, 1)
    until = None if rest_seconds is None else providers.clock.now() + timedelta(seconds=rest_seconds)
    assert state(providers) == OfferState("m", State.RESTING, Status.RESTING, until)


def test_refused_key_rests_its_provider(providers: TwoProviders) -> None:
    providers.fails(KeyRefused(), 1)
    assert providers.health.status_of("a") is Status.RESTING


def test_drained_provider_and_one_without_a_key_have_their_own_status(providers: TwoProviders) -> None:
    providers.health.drain("a")
    assert state(providers) == OfferState("m", State.DRAINED, Status.DRAINED)
    assert providers.health.status_of("a") is Status.DRAINED
    assert state(providers, Offer("none", "m")).status is Status.NO_KEY
    assert providers.health.status_of("none") is Status.NO_KEY


def test_provider_without_a_key_is_named_with_its_offer(providers: TwoProviders) -> None:
    found = state(providers, Offer("none", "m"))
    assert (found.model, found.status, found.until) == ("m", Status.NO_KEY, None)
    assert found.state is providers.health.state("none").state


def test_rate_limited_provider_rests_though_none_of_its_offers_has_an_outcome(providers: TwoProviders) -> None:
    for offer in (A, A2):
        providers.fails(RateLimited(retry_after_seconds=30), 1, offer)
    assert providers.health.status_of("a") is Status.RESTING
