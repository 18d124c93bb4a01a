import pytest

from engine.catalog.offers import Offer
from engine.errors import (
    BalanceGone,
    CapabilityMissing,
    ContextTooLong,
    KeyRefused,
    NoSuchModel,
    ProviderError,
    RateLimited,
    RequestFault,
    StreamCut,
    TooBigForNow,
    Unreachable,
)
from engine.ports import LimitHeaders
from engine.routing.health import Denial, Health, HealthPolicy, Permit, State
from tests.engine.clock import HandClock
from tests.engine.two_providers import A2, DOWN, A, B, TwoProviders


def test_five_failures_rest_their_offer_and_no_other(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    assert providers.denial(A) == Denial("breaker open after overloaded, 5 s left", 5, may_end=True, may_be_early=True)
    assert providers.health.status(A).reason == "breaker open after overloaded, 5 s left"
    assert providers.health.status(A).may_return
    providers.permit(A2)
    providers.permit(B)


def test_five_failed_connections_rest_the_whole_provider(providers: TwoProviders) -> None:
    providers.fails(Unreachable(), 5)
    assert providers.denial(A2).reason == "breaker open after unreachable, 5 s left"
    providers.permit(B)


def test_two_offers_that_open_within_a_minute_rest_the_whole_provider(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(59)
    providers.fails(DOWN, 5, A2)
    assert providers.denial(Offer("a", "untried")).reason == "breaker open after overloaded, 5 s left"


def test_good_probe_of_one_offer_brings_its_provider_back(providers: TwoProviders) -> None:
    providers.fails(Unreachable(), 5)
    providers.clock.wait(5)
    providers.succeeds()
    assert providers.state() is State.CLOSED
    providers.permit(A2)


def test_attempt_counts_from_its_first_token(providers: TwoProviders) -> None:
    providers.fails(DOWN, 4)
    providers.health.first_token(providers.permit())  # still under way
    providers.fails(DOWN, 4)
    assert providers.state() is State.CLOSED


def test_cut_after_the_first_token_counts_as_a_failure(providers: TwoProviders) -> None:
    permits = [providers.permit() for _ in range(5)]
    for permit in permits:
        providers.health.first_token(permit)
    for permit in permits:
        providers.health.failed(permit, StreamCut())
    assert providers.state() is State.OPEN


def test_429_of_one_model_rests_that_model(providers: TwoProviders) -> None:
    providers.fails(RateLimited(retry_after_seconds=30), offer=A)
    assert providers.denial(A).reason == "rate limited (429), 30 s left"
    providers.permit(A2)


def test_429s_of_two_models_rest_the_key(providers: TwoProviders) -> None:
    providers.fails(RateLimited(retry_after_seconds=30), offer=A)
    providers.fails(RateLimited(retry_after_seconds=9), offer=A2)
    assert providers.denial(Offer("a", "third")).reason == "rate limited (429), 9 s left"


def test_resting_offer_is_attempted_early_once_a_second(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    early = providers.health.early([A])
    assert early is not None
    assert early.wait_seconds == 0
    permit = providers.health.admit(A, early=True)
    assert isinstance(permit, Permit)
    assert permit.probe
    early = providers.health.early([A])
    assert early is not None
    assert early.wait_seconds == 1
    providers.health.succeeded(permit, 100)
    assert providers.state() is State.CLOSED


def test_early_attempt_goes_to_the_offer_whose_rest_ends_first(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5, A)
    providers.clock.wait(2)
    providers.fails(DOWN, 5, B)
    early = providers.health.early([B, A])
    assert early is not None
    assert early.offer == A


def test_rate_limited_offer_is_waited_for_and_never_attempted_early(providers: TwoProviders) -> None:
    providers.fails(RateLimited(retry_after_seconds=1.5))
    early = providers.health.early([A])
    assert early is not None
    assert early.wait_seconds == 1.5


def test_drained_and_refused_offers_are_never_attempted_early(providers: TwoProviders) -> None:
    providers.health.drain("a")
    providers.fails(KeyRefused(), offer=B)
    assert providers.health.early([A, B]) is None


def test_failed_early_attempt_does_not_prolong_the_rest(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    permit = providers.health.admit(A, early=True)
    assert isinstance(permit, Permit)
    providers.clock.wait(1)
    providers.health.failed(permit, DOWN)
    assert providers.denial().seconds == 4


def test_half_open_provider_admits_one_probe_of_a_hundred_attempts(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(60)
    assert providers.state() is State.HALF_OPEN
    answers = [providers.health.admit(A) for _ in range(100)]
    assert [each.probe for each in answers if isinstance(each, Permit)] == [True]


def test_good_probe_closes_the_provider(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(60)
    providers.succeeds()
    assert providers.state() is State.CLOSED
    assert not providers.permit().probe


def test_recovered_provider_keeps_a_small_failure_chance(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    assert providers.health._providers["a"].track.failure_chance(providers.clock.monotonic()) > 0.3
    providers.clock.wait(60)
    providers.succeeds()
    assert providers.health.status(A).failure_chance <= 0.05


def test_failed_probe_begins_a_rest_twice_as_long(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(5)
    providers.fails(DOWN)
    assert providers.denial().seconds == 10


@pytest.mark.parametrize(
    "error",
    [RequestFault(), ContextTooLong(), CapabilityMissing(), TooBigForNow()],
    ids=lambda e: e.outcome,
)
def test_probe_without_a_result_allows_another_probe(providers: TwoProviders, error: ProviderError) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(60)
    providers.fails(error)
    assert providers.permit().probe


def test_abandoned_probe_allows_another_probe(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(60)
    providers.health.abandoned(providers.permit())
    assert providers.permit().probe


@pytest.mark.parametrize("error", [RequestFault(), ContextTooLong(), CapabilityMissing(), TooBigForNow()])
def test_fault_of_the_request_is_no_failure_of_the_provider(providers: TwoProviders, error: ProviderError) -> None:
    providers.fails(error, 50)
    assert providers.state() is State.CLOSED
    assert providers.health.status(A).failure_chance == 0


def test_abandoned_attempts_are_no_failures(providers: TwoProviders) -> None:
    for _ in range(50):
        providers.health.abandoned(providers.permit())
    assert providers.state() is State.CLOSED


def test_429_is_no_failure(providers: TwoProviders) -> None:
    for _ in range(10):
        providers.fails(RateLimited(retry_after_seconds=7))
        assert providers.state() is State.RESTING
        assert providers.denial().reason == "rate limited (429), 7 s left"
        providers.clock.wait(7)
    assert providers.state() is State.CLOSED
    assert providers.health.state("a").failures == 0


def test_jitter_prolongs_a_rest_by_a_tenth_at_most() -> None:
    clock = HandClock()
    health = Health(HealthPolicy(), clock, {"a": 1}, random_share=lambda: 1.0)
    permit = health.admit(A)
    assert isinstance(permit, Permit)
    health.failed(permit, RateLimited(retry_after_seconds=10))
    assert health.state("a").seconds == pytest.approx(11)


def test_probe_that_gets_a_429_is_repeated_after_the_rest(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(60)
    providers.fails(RateLimited(retry_after_seconds=9))
    assert providers.state() is State.RESTING
    assert providers.health.due_probes() == ()
    providers.clock.wait(9)
    assert providers.permit().probe


def test_keys_are_used_in_turn() -> None:
    providers = TwoProviders(keys=3)
    assert [providers.permit().key for _ in range(6)] == [0, 1, 2, 0, 1, 2]


def test_key_at_rest_is_skipped() -> None:
    providers = TwoProviders(keys=2)
    providers.fails(RateLimited(retry_after_seconds=30))
    assert [providers.permit().key for _ in range(3)] == [1, 1, 1]
    assert providers.state() is State.CLOSED
    providers.clock.wait(30)
    assert {providers.permit().key for _ in range(2)} == {0, 1}


def test_denial_has_the_shortest_rest_of_all_keys() -> None:
    providers = TwoProviders(keys=2)
    providers.fails(RateLimited(retry_after_seconds=30))
    providers.fails(RateLimited(retry_after_seconds=12))
    assert providers.denial().seconds == 12


@pytest.mark.parametrize("error", [KeyRefused(status=401), BalanceGone(status=402)], ids=["key", "money"])
def test_refused_key_rests_until_it_is_restored(providers: TwoProviders, error: ProviderError) -> None:
    providers.fails(error)
    providers.clock.wait(10**6)
    assert providers.state() is State.RESTING
    assert providers.denial().reason == f"{error.outcome.replace('_', ' ')}, until restored"
    assert providers.health.locked_out() == ("a",)
    providers.health.restore("a")
    assert providers.state() is State.CLOSED
    assert providers.health.locked_out() == ()


def test_one_refused_key_of_two_is_probed_and_restored_alone() -> None:
    providers = TwoProviders(keys=2)
    providers.fails(KeyRefused())
    assert providers.health.refused_keys() == (("a", 0),)
    assert providers.health.due_probes() == ()
    providers.health.restore("a", 0)
    assert providers.health.refused_keys() == ()
    assert {providers.permit().key for _ in range(2)} == {0, 1}


def test_locked_out_provider_has_no_single_refused_keys(providers: TwoProviders) -> None:
    providers.fails(BalanceGone())
    assert providers.health.refused_keys() == ()


def test_missing_model_is_out_for_an_hour_and_its_provider_is_not(providers: TwoProviders) -> None:
    providers.fails(NoSuchModel(status=404))
    assert providers.denial().reason == "the provider has no such model"
    providers.permit(A2)
    providers.clock.wait(3600)
    providers.permit()


def test_probe_is_due_when_a_rest_is_over_and_no_attempt_is_under_way(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    assert providers.health.due_probes() == ()
    providers.clock.wait(60)
    assert providers.health.due_probes() == (A,)
    providers.permit()
    assert providers.health.due_probes() == ()


def test_used_up_quota_rests_only_its_own_key() -> None:
    providers = TwoProviders(keys=2)
    providers.health.succeeded(providers.permit(), 100, LimitHeaders(requests_left=0, requests_reset_seconds=6))
    assert {providers.permit().key for _ in range(3)} == {1}


def test_answer_begun_before_the_outage_does_not_close_the_breaker(providers: TwoProviders) -> None:
    early = providers.permit()
    providers.fails(DOWN, 5)
    providers.health.succeeded(early, 100)
    assert providers.state() is State.OPEN
