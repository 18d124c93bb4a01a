from collections.abc import Callable

import pytest

from engine.catalog.offers import Offer
from engine.errors import KeyRefused, NoSuchModel, RateLimited
from engine.routing.health import Denial, HealthPolicy, LimitFact, Permit, State
from engine.routing.permits import OfferStatus
from engine.routing.provider_registry import MOST_OFFERS
from tests.engine.two_providers import A2, DOWN, A, B, TwoProviders


def test_provider_without_a_key_is_not_asked(providers: TwoProviders) -> None:
    assert providers.denial(Offer("none", "m")).reason == "not configured"
    assert providers.denial(Offer("never heard of", "m")).reason == "not configured"


def test_drained_provider_is_not_asked_until_it_is_resumed(providers: TwoProviders) -> None:
    providers.health.drain("a")
    assert providers.state() is State.DRAINED
    assert providers.denial().reason == "drained by an operator"
    providers.health.resume("a")
    providers.permit()


def test_resuming_ends_every_rest(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.health.drain("a")
    providers.health.resume("a")
    assert providers.state() is State.CLOSED


def test_drained_provider_is_not_probed(providers: TwoProviders) -> None:
    providers.fails(KeyRefused())
    providers.health.drain("a")
    assert providers.health.due_probes() == ()


def test_smallest_rest_is_the_soonest_of_all_providers(providers: TwoProviders) -> None:
    assert providers.health.smallest_rest_seconds() == 60
    providers.fails(DOWN, 5)
    providers.fails(RateLimited(retry_after_seconds=20), offer=B)
    assert providers.health.smallest_rest_seconds() == 5
    providers.clock.wait(4)
    assert providers.health.smallest_rest_seconds() == 1


def test_drained_provider_is_not_the_smallest_rest(providers: TwoProviders) -> None:
    providers.health.drain("a")
    providers.health.drain("b")
    assert providers.health.smallest_rest_seconds() == 60


def test_state_is_dated_when_it_is_first_read(providers: TwoProviders) -> None:
    began = providers.health.state("a").since
    providers.clock.wait(100)
    providers.fails(DOWN, 5)
    opened = providers.health.state("a").since
    assert (opened - began).total_seconds() == 100
    providers.clock.wait(3)
    assert providers.health.state("a").since == opened
    providers.clock.wait(3)
    providers.succeeds()
    assert (providers.health.state("a").since - opened).total_seconds() == 6


def test_state_has_the_median_time_to_the_first_token(providers: TwoProviders) -> None:
    for ms in (100, 900, 300):
        providers.succeeds(first_token_ms=ms)
    assert providers.health.state("a").p50_first_token_ms == 300


def test_each_offer_has_its_own_time_to_the_first_token(providers: TwoProviders) -> None:
    providers.succeeds(3, A, first_token_ms=400)
    providers.succeeds(9, A2, first_token_ms=2000)
    assert providers.health.status(A).first_token_seconds == 0.4
    assert providers.health.status(A2).first_token_seconds == 2.0


def test_untried_offer_has_the_status_of_its_provider(providers: TwoProviders) -> None:
    providers.fails(DOWN, 3)
    assert providers.health.status(A2).failure_chance == providers.health.status(A).failure_chance > 0


def test_time_that_a_failure_took_is_in_the_status(providers: TwoProviders) -> None:
    for _ in range(4):
        permit = providers.permit()
        providers.clock.wait(20)
        providers.health.failed(permit, DOWN)
    assert providers.health.status(A).failure_seconds > 10


def test_learned_limit_is_in_the_status_and_the_state_but_denies_nothing(providers: TwoProviders) -> None:
    providers.succeeds(20)
    providers.fails(RateLimited(retry_after_seconds=1))
    providers.clock.wait(2)
    assert providers.health.status(A).over_limit_seconds == pytest.approx(58.25)
    assert providers.health.state("a").reason == "m is at its learned limit of 20/min, 59 s left"
    assert providers.health.state("a").requests_per_minute == 20
    providers.permit()  # an offer over its limit is still asked where no other is left


def test_late_first_tokens_raise_the_failure_chance_before_a_timeout(providers: TwoProviders) -> None:
    providers.succeeds(20, first_token_ms=500)
    waiting = [providers.permit() for _ in range(3)]
    providers.clock.wait(1)
    assert providers.health.status(A).failure_chance == 0
    providers.clock.wait(2)
    assert providers.health.status(A).failure_chance == pytest.approx(0.75)
    providers.health.first_token(waiting[2])
    assert providers.health.status(A).failure_chance == 0


@pytest.mark.parametrize(
    ("offer", "effort", "late_seconds"), [(Offer("a", "m"), "high", 120), (Offer("a", "o3"), None, 20)]
)
def test_attempt_that_thinks_is_late_after_its_own_time(
    providers: TwoProviders, offer: Offer, effort: str | None, late_seconds: float
) -> None:
    providers.succeeds(20, offer, first_token_ms=500)
    permit = providers.permit(offer)
    providers.health.expect_thinking(permit, effort)
    providers.clock.wait(late_seconds - 0.1)
    assert providers.health.status(offer).failure_chance == 0
    providers.clock.wait(0.1)
    assert providers.health.status(offer).failure_chance == pytest.approx(0.5)


def test_hung_thinking_model_is_expected_to_fail_after_its_patience(providers: TwoProviders) -> None:
    providers.succeeds(20, Offer("a", "o3"))
    providers.permit(Offer("a", "o3"))
    providers.clock.wait(30)
    assert providers.health.status(Offer("a", "o3")).failure_seconds == 120


def test_long_answer_that_has_begun_is_not_late(providers: TwoProviders) -> None:
    providers.succeeds(20, first_token_ms=500)
    providers.health.first_token(providers.permit())
    providers.clock.wait(60)
    assert providers.health.status(A).failure_chance == 0


def test_limit_that_fell_is_reported_once_after_a_minute_without_a_429(providers: TwoProviders) -> None:
    providers.succeeds(40)
    providers.clock.wait(61)
    providers.succeeds(20)
    providers.fails(RateLimited(retry_after_seconds=1))
    assert providers.health.limit_facts() == ()
    providers.clock.wait(60)
    assert providers.health.limit_facts() == (LimitFact("a", "m", 20, 40, providers.clock.now()),)
    assert providers.health.limit_facts() == ()


def test_number_of_offers_that_are_remembered_is_bounded(providers: TwoProviders) -> None:
    for number in range(5000):
        providers.succeeds(offer=Offer("a", f"m{number}"))
    assert len(providers.health._providers["a"].offers) == MOST_OFFERS


def test_missing_model_counts_as_its_provider_when_it_is_back(providers: TwoProviders) -> None:
    providers.fails(NoSuchModel())
    providers.clock.wait(3599.5)
    assert providers.denial(A).seconds == 0.5
    assert providers.health.status(A).reason == "the provider has no such model"
    providers.clock.wait(0.5)
    providers.fails(DOWN, 3, A2)
    assert providers.health.status(A) == providers.health.status(A2)._replace(may_be_early=False)


def test_recovery_of_one_provider_leaves_the_others_failure_chance(providers: TwoProviders) -> None:
    providers.fails(DOWN, 4, B)
    before = providers.health.status(B).failure_chance
    providers.health.restore("a")
    assert providers.health.status(B).failure_chance == before > 0.05


def test_repeat_spends_a_retry_and_a_first_attempt_does_not(providers: TwoProviders) -> None:
    for _ in range(10):
        assert isinstance(providers.health.admit(A, repeat=True), Permit)
    assert providers.health.admit(A, repeat=True) == Denial("its retry budget is used up", 1, may_end=True)
    assert isinstance(providers.health.admit(A), Permit)


def test_late_first_tokens_never_lower_the_failure_chance(providers: TwoProviders) -> None:
    providers.succeeds(20, first_token_ms=500)
    providers.fails(DOWN, 4)
    before = providers.health.status(A)
    providers.permit()
    providers.clock.wait(2)
    late = providers.health.status(A)
    assert late.failure_chance == pytest.approx(0.5)
    assert before.failure_chance < 0.5
    assert before.failure_seconds == pytest.approx(0.8**4)
    assert late.failure_seconds == 20


def test_successful_attempt_is_no_longer_pending(providers: TwoProviders) -> None:
    providers.succeeds(20, first_token_ms=500)
    providers.health.failed(providers.permit(), KeyRefused())
    providers.health.restore("a")
    providers.health.abandoned(providers.permit())
    providers.clock.wait(100)
    assert providers.health.status(A).failure_chance == 0


def test_state_of_a_provider_without_a_key_is_closed(providers: TwoProviders) -> None:
    state = providers.health.state("none")
    assert (state.state, state.reason, state.seconds) == (State.CLOSED, "", 0)
    assert providers.health.due_probes() == ()


def test_drained_provider_has_no_refused_keys() -> None:
    providers = TwoProviders(keys=2)
    providers.fails(KeyRefused())
    providers.health.drain("a")
    assert providers.health.refused_keys() == ()


def test_state_changes_are_dated_when_they_happen_also_if_read_later(providers: TwoProviders) -> None:
    def change(act: Callable[[], None]) -> None:
        providers.clock.wait(100)
        at = providers.clock.now()
        act()
        providers.clock.wait(4)
        assert providers.health.state("a").since == at

    change(lambda: providers.health.drain("a"))
    change(lambda: providers.health.resume("a"))
    change(lambda: providers.fails(DOWN, 5))
    providers.clock.wait(60)
    assert providers.state() is State.HALF_OPEN
    change(providers.succeeds)
    change(lambda: providers.fails(KeyRefused()))
    change(lambda: providers.health.restore("a"))


def test_default_policy_is_that_of_the_documentation() -> None:
    assert HealthPolicy() == HealthPolicy(5, 60, 20, 30, 120)


def test_status_of_a_fresh_provider_weighs_nothing(providers: TwoProviders) -> None:
    assert providers.health.status(A) == OfferStatus(failure_seconds=1, failure_share=0.05)


def test_ten_first_attempts_earn_a_retry(providers: TwoProviders) -> None:
    while isinstance(providers.health.admit(A, repeat=True), Permit):
        pass
    for _ in range(11):
        providers.permit()
    assert isinstance(providers.health.admit(A, repeat=True), Permit)


def test_restored_provider_keeps_a_small_failure_chance(providers: TwoProviders) -> None:
    providers.fails(DOWN, 4)
    providers.health.restore("a")
    assert providers.health.status(A).failure_chance == providers.health.state("a").failure_chance == 0.05


def test_rest_of_half_a_second_is_the_smallest(providers: TwoProviders) -> None:
    providers.fails(RateLimited(retry_after_seconds=0.5))
    assert providers.health.smallest_rest_seconds() == 0.5


@pytest.mark.parametrize(("status", "limit"), [(429, 20), (498, 20), (400, None), (402, None)])
def test_only_a_429_teaches_a_rate_limit(providers: TwoProviders, status: int, limit: int | None) -> None:
    providers.succeeds(20)
    providers.clock.wait(1)
    providers.fails(RateLimited(status=status))
    assert providers.health.state("a").requests_per_minute == limit
    assert providers.denial().reason.startswith("rate limited")


def test_key_that_rests_for_an_offer_is_not_usable_for_it() -> None:
    providers = TwoProviders(keys=2)
    providers.fails(RateLimited(retry_after_seconds=30))
    usable = [providers.health.is_usable(A, key) for key in range(3)]
    assert sorted(usable[:2]) == [False, True]
    assert not usable[2]  # a key that this provider does not have
