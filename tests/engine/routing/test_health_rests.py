"""Who rests, for how long, and how a probe ends it: the breaker, 429s, keys, models."""

import pytest

from engine.errors import (
    BalanceGone,
    CapabilityMissing,
    ContextTooLong,
    KeyRefused,
    NoSuchModel,
    ProviderError,
    RateLimited,
    RequestFault,
    TooBigForNow,
    Unreachable,
)
from engine.ports import LimitHeaders
from engine.routing.health import Denial, Health, HealthPolicy, Permit, State
from tests.engine.clock import HandClock
from tests.engine.ward import A2, DOWN, A, B, Ward


def test_five_failures_rest_the_whole_provider(ward: Ward) -> None:
    ward.fails(DOWN, 4)
    ward.fails(Unreachable())
    assert ward.state() is State.OPEN
    assert ward.refusal(A2) == Denial("breaker open after unreachable, 60 s left", 60)
    assert ward.health.standing(A2).reason == "breaker open after unreachable, 60 s left"
    ward.permit(B)


def test_after_the_rest_a_hundred_clients_make_one_probe(ward: Ward) -> None:
    ward.fails(DOWN, 5)
    ward.clock.wait(60)
    assert ward.state() is State.HALF_OPEN
    answers = [ward.health.admit(A) for _ in range(100)]
    assert [each.probe for each in answers if isinstance(each, Permit)] == [True]


def test_a_good_probe_brings_it_back(ward: Ward) -> None:
    ward.fails(DOWN, 5)
    ward.clock.wait(60)
    ward.serves()
    assert ward.state() is State.CLOSED
    assert not ward.permit().probe


def test_who_is_back_is_asked_as_before_but_for_a_doubt(ward: Ward) -> None:
    ward.fails(DOWN, 5)
    assert ward.health._providers["a"].track.odds(ward.clock.monotonic()) > 0.3
    ward.clock.wait(60)
    ward.serves()
    assert ward.health.standing(A).odds <= 0.05


def test_a_bad_probe_means_the_same_rest_again(ward: Ward) -> None:
    ward.fails(DOWN, 5)
    ward.clock.wait(60)
    ward.fails(DOWN)
    assert ward.refusal().seconds == 60


@pytest.mark.parametrize(
    "error",
    [RequestFault(), ContextTooLong(), CapabilityMissing(), TooBigForNow(), NoSuchModel()],
    ids=lambda e: e.outcome,
)
def test_a_probe_that_says_nothing_of_health_leaves_its_place_to_the_next(ward: Ward, error: ProviderError) -> None:
    ward.fails(DOWN, 5)
    ward.clock.wait(60)
    ward.fails(error)
    assert ward.permit(A2).probe


def test_a_reader_who_leaves_a_probe_frees_its_place(ward: Ward) -> None:
    ward.fails(DOWN, 5)
    ward.clock.wait(60)
    ward.health.abandoned(ward.permit())
    assert ward.permit().probe


@pytest.mark.parametrize("error", [RequestFault(), ContextTooLong(), CapabilityMissing(), TooBigForNow()])
def test_a_request_s_own_fault_takes_no_provider_down(ward: Ward, error: ProviderError) -> None:
    ward.fails(error, 50)
    assert ward.state() is State.CLOSED
    assert ward.health.standing(A).odds == 0


def test_readers_who_leave_take_no_provider_down(ward: Ward) -> None:
    for _ in range(50):
        ward.health.abandoned(ward.permit())
    assert ward.state() is State.CLOSED


def test_a_429_is_no_failure(ward: Ward) -> None:
    for _ in range(10):
        ward.fails(RateLimited(retry_after_seconds=7))
        assert ward.state() is State.RESTING
        assert ward.refusal().reason == "rate limited (429), 7 s left"
        ward.clock.wait(7)
    assert ward.state() is State.CLOSED
    assert ward.health.state("a").failures == 0


def test_jitter_makes_a_rest_longer_never_shorter() -> None:
    clock = HandClock()
    health = Health(HealthPolicy(), clock, {"a": 1}, chance=lambda: 1.0)
    permit = health.admit(A)
    assert isinstance(permit, Permit)
    health.failed(permit, RateLimited(retry_after_seconds=10))
    assert health.state("a").seconds == pytest.approx(11)


def test_a_probe_that_meets_a_429_rests_and_is_then_repeated(ward: Ward) -> None:
    ward.fails(DOWN, 5)
    ward.clock.wait(60)
    ward.fails(RateLimited(retry_after_seconds=9))
    assert ward.state() is State.RESTING
    assert ward.health.due_probes() == ()
    ward.clock.wait(9)
    assert ward.permit().probe


def test_keys_are_used_in_turn() -> None:
    ward = Ward(keys=3)
    assert [ward.permit().key for _ in range(6)] == [0, 1, 2, 0, 1, 2]


def test_a_key_at_rest_is_passed_over() -> None:
    ward = Ward(keys=2)
    ward.fails(RateLimited(retry_after_seconds=30))
    assert [ward.permit().key for _ in range(3)] == [1, 1, 1]
    assert ward.state() is State.CLOSED
    ward.clock.wait(30)
    assert {ward.permit().key for _ in range(2)} == {0, 1}


def test_when_all_keys_rest_the_shortest_rest_is_told() -> None:
    ward = Ward(keys=2)
    ward.fails(RateLimited(retry_after_seconds=30))
    ward.fails(RateLimited(retry_after_seconds=12))
    assert ward.refusal().seconds == 12


@pytest.mark.parametrize("error", [KeyRefused(status=401), BalanceGone(status=402)], ids=["key", "money"])
def test_a_refused_key_rests_until_it_is_mended(ward: Ward, error: ProviderError) -> None:
    ward.fails(error)
    ward.clock.wait(10**6)
    assert ward.state() is State.RESTING
    assert ward.refusal().reason == f"{error.outcome.replace('_', ' ')}, until mended"
    assert ward.health.needs_mending("a")
    assert ward.health.due_probes() == ("a",)
    ward.health.mend("a")
    assert ward.state() is State.CLOSED
    assert not ward.health.needs_mending("a")


def test_one_refused_key_of_two_is_named_for_a_probe_and_mended_alone() -> None:
    ward = Ward(keys=2)
    ward.fails(KeyRefused())
    assert ward.health.refused_keys() == (("a", 0),)
    assert ward.health.due_probes() == ()
    ward.health.mend("a", 0)
    assert ward.health.refused_keys() == ()
    assert {ward.permit().key for _ in range(2)} == {0, 1}


def test_a_provider_with_no_key_left_is_a_matter_for_probes_not_of_single_keys(ward: Ward) -> None:
    ward.fails(BalanceGone())
    assert ward.health.refused_keys() == ()


def test_a_model_that_is_gone_is_out_for_an_hour_and_its_provider_is_not(ward: Ward) -> None:
    ward.fails(NoSuchModel(status=404))
    assert ward.refusal().reason == "the provider has no such model"
    ward.permit(A2)
    ward.clock.wait(3600)
    ward.permit()


def test_probes_are_due_where_a_rest_is_over_and_nobody_tries(ward: Ward) -> None:
    ward.fails(DOWN, 5)
    assert ward.health.due_probes() == ()
    ward.clock.wait(60)
    assert ward.health.due_probes() == ("a",)
    ward.permit()
    assert ward.health.due_probes() == ()


def test_headers_rest_the_key_that_they_speak_of() -> None:
    ward = Ward(keys=2)
    ward.health.succeeded(ward.permit(), 100, LimitHeaders(requests_left=0, requests_reset_seconds=6))
    assert {ward.permit().key for _ in range(3)} == {1}


def test_late_answers_of_before_do_not_close_an_open_breaker(ward: Ward) -> None:
    early = ward.permit()
    ward.fails(DOWN, 5)
    ward.health.succeeded(early, 100)
    assert ward.state() is State.OPEN
