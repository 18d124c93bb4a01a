from collections.abc import Callable
from math import inf

import pytest

from engine.ports import LimitHeaders
from engine.routing.breaker import Breaker
from engine.routing.key_health import KeyHealth
from engine.routing.offer_health import OfferHealth
from engine.routing.provider_health import (
    Availability,
    ProviderHealth,
    State,
)
from tests.engine.clock import START


def provider(keys: int = 1) -> ProviderHealth:
    return ProviderHealth([KeyHealth() for _ in range(keys)], Breaker(5, 60), START)


def opened(now: float = 100) -> ProviderHealth:
    found = provider()
    found.last_error = "unreachable"
    for _ in range(5):
        found.breaker.failed(now, now)
    return found


def limited(key: KeyHealth, per_minute: int, now: float) -> None:
    """Teach a key a limit that is used up until about a minute after `now`."""
    for _ in range(per_minute):
        key.begin(now, "m")
        key.budget("m").limit.accepted(now)
    key.begin(now, "m")
    key.budget("m").limit.refused(now, now)


def test_healthy_provider_is_closed_and_unrestricted() -> None:
    assert provider().availability(0) == Availability(State.CLOSED)
    assert provider().is_unrestricted(0, "m")


def test_provider_with_several_keys_is_never_on_the_fast_path() -> None:
    assert not provider(2).is_unrestricted(0, "m")


RESTRICTIONS: dict[str, Callable[[ProviderHealth], None]] = {
    "drained": lambda each: setattr(each, "drained", True),
    "seen at rest": lambda each: setattr(each, "seen", State.RESTING),
    "breaker": lambda each: setattr(each, "breaker", opened(0).breaker),
    "refused key": lambda each: each.keys[0].refused(0, "key refused"),
    "429": lambda each: each.keys[0].rate_limited(0, "m", 0, 60, jitter=1, per_day=False),
    "no requests": lambda each: each.keys[0].apply_limits(0, "m", LimitHeaders(0, 60)),
    "no tokens": lambda each: each.keys[0].apply_limits(0, "m", LimitHeaders(None, None, 0, 60)),
    "learned limit": lambda each: limited(each.keys[0], 5, 0),
}


@pytest.mark.parametrize("restrict", RESTRICTIONS.values(), ids=RESTRICTIONS.keys())
def test_any_restriction_leaves_the_fast_path(restrict: Callable[[ProviderHealth], None]) -> None:
    found = provider()
    restrict(found)
    assert not found.is_unrestricted(1, "m")


def test_drain_comes_before_every_other_state() -> None:
    found = opened()
    found.drained = True
    assert found.availability(100) == Availability(State.DRAINED, "drained by an operator", 600)


def test_open_breaker_is_reported_with_the_last_error_and_the_time_left() -> None:
    found = opened()
    assert found.availability(100.5) == Availability(State.OPEN, "breaker open after unreachable, 5 s left", 4.5)
    assert found.availability(104.5) == Availability(State.OPEN, "breaker open after unreachable, 1 s left", 0.5)
    assert found.availability(105) == Availability(State.HALF_OPEN)


def test_half_open_provider_with_a_probe_under_way_is_asked_again_in_a_second() -> None:
    found = opened()
    found.breaker.probing = True
    assert found.availability(105) == Availability(State.HALF_OPEN, "one probe is under way", 1)


def opens(found: ProviderHealth, model: str, now: float) -> None:
    health = found.offers.setdefault(model, OfferHealth(Breaker(5, 60)))
    health.last_error = "overloaded"
    health.breaker.open(now)
    found.offer_opened(model, now)


def test_open_offer_rests_alone_and_its_provider_is_closed() -> None:
    found = provider()
    found.offers["well"] = OfferHealth(Breaker(5, 60))
    opens(found, "sick", 100)
    assert found.availability(100, "sick").state is State.OPEN
    assert found.availability(100, "well") == Availability(State.CLOSED)
    assert found.availability(100).state is State.CLOSED
    assert found.is_unrestricted(100, "well")
    assert not found.is_unrestricted(100, "sick")


def test_provider_whose_every_known_offer_rests_is_open() -> None:
    found = provider()
    opens(found, "sick", 100)
    assert found.availability(102) == Availability(State.OPEN, "breaker open after overloaded, 3 s left", 3)


def test_second_offer_that_opens_within_a_minute_rests_the_provider() -> None:
    for seconds, state in ((59.9, State.OPEN), (60, State.CLOSED)):
        found = provider()
        opens(found, "sick", 100)
        opens(found, "sick too", 100 + seconds)
        assert found.availability(100 + seconds, "untried").state is state


def test_offer_that_opens_twice_does_not_rest_the_provider() -> None:
    found = provider()
    opens(found, "sick", 100)
    opens(found, "sick", 110)
    assert found.availability(110, "untried").state is State.CLOSED


def test_missing_model_rests_and_others_do_not() -> None:
    found = provider()
    found.offers["gone"] = OfferHealth(Breaker(5, 60), gone_until=3600)
    assert found.availability(0, "gone") == Availability(State.RESTING, "the provider has no such model", 3600)
    assert found.availability(0, "other") == Availability(State.CLOSED)


def test_provider_without_keys_is_not_locked_out() -> None:
    assert not provider(0).is_locked_out


def test_next_key_prefers_one_with_quota_for_the_tokens() -> None:
    found = provider(3)
    found.keys[0].apply_limits(0, "m", LimitHeaders(None, None, 99, 60))
    found.keys[1].apply_limits(0, "m", LimitHeaders(None, None, 100, 60))
    found.keys[2].rate_limited(0, "m", 0, 60, jitter=1, per_day=False)
    assert [found.next_key(0, "m", 100) for _ in range(2)] == [1, 1]
    assert found.next_key(0, "m", 99) == 0


def test_key_with_a_pause_of_half_a_second_is_not_used() -> None:
    found = provider(2)
    found.keys[0].rate_limited(0, "m", 0, 0.5, jitter=1, per_day=False)
    assert [found.next_key(0, "m") for _ in range(2)] == [1, 1]


def test_next_key_prefers_one_under_its_learned_limit() -> None:
    found = provider(2)
    limited(found.keys[0], 5, 0)
    assert [found.next_key(1, "m") for _ in range(2)] == [1, 1]


def test_next_key_prefers_one_with_a_free_tier_left_among_the_usable_ones() -> None:
    found = provider(3)
    assert [found.next_key(0, "m", preferred={1, 2}) for _ in range(4)] == [1, 2, 1, 2]
    found.keys[1].rate_limited(0, "m", 0, 60, jitter=1, per_day=False)
    assert [found.next_key(1, "m", preferred={1}) for _ in range(2)] == [0, 2]


def test_attempt_over_a_limit_is_due_only_under_a_usable_key() -> None:
    found = provider(2)
    for key in found.keys:
        limited(key, 5, 0)
    found.keys[0].begin(1, "m")
    assert found.trial_wait_seconds(1, "m") == 0
    found.keys[1].rate_limited(1, "m", 0, 60, jitter=1, per_day=False)
    assert found.trial_wait_seconds(1, "m") > 0


def test_attempt_over_the_limit_uses_the_key_for_which_it_is_due() -> None:
    found = provider(2)
    limited(found.keys[0], 5, 0)
    limited(found.keys[1], 5, 1)  # the longer wait
    found.keys[0].begin(2, "m")
    assert [found.next_key(2, "m") for _ in range(2)] == [1, 1]


def test_provider_is_over_its_limit_only_when_every_usable_key_is() -> None:
    found = provider(2)
    limited(found.keys[0], 5, 0)
    assert (found.over_limit_seconds(1, "m"), found.over_limit_reason(1), found.learned_limit) == (0, "", 5)
    limited(found.keys[1], 7, 1)
    assert found.over_limit_seconds(1, "m") == pytest.approx(59.25)
    assert found.over_limit_reason(1) == "m is at its learned limit of 12/min, 60 s left"


def test_key_at_rest_does_not_count_for_the_limit_or_the_tokens() -> None:
    found = provider(2)
    found.keys[0].apply_limits(0, "m", LimitHeaders(None, None, 500, 60))
    found.keys[1].apply_limits(0, "m", LimitHeaders(None, None, 90, 60))
    assert found.remaining_tokens(0, "m") == 500
    found.keys[0].rate_limited(0, "m", 0, 60, jitter=1, per_day=True)
    assert found.remaining_tokens(0, "m") == 90


def test_provider_whose_keys_all_rest_is_not_over_its_limit() -> None:
    found = provider()
    limited(found.keys[0], 5, 0)
    found.keys[0].rate_limited(0, "m", 0, 60, jitter=1, per_day=True)
    assert (found.over_limit_seconds(1, "m"), found.over_limit_reason(1)) == (0, "")


def test_key_that_rests_for_half_a_second_is_not_usable() -> None:
    found = provider(2)
    limited(found.keys[0], 5, 0)
    found.keys[0].apply_limits(0, "m", LimitHeaders(None, None, 500, 60))
    found.keys[1].rate_limited(1, "m", 1, 0.5, jitter=1, per_day=True)
    assert found.over_limit_seconds(1, "m") > 0
    assert found.remaining_tokens(1, "m") == 500


def test_limit_is_named_also_in_its_last_second() -> None:
    found = provider()
    limited(found.keys[0], 5, 0)
    assert found.over_limit_reason(59.75) == "m is at its learned limit of 5/min, 1 s left"
    assert found.over_limit_reason(60.25) == ""


def test_unreported_token_quota_is_infinite() -> None:
    assert provider(1).remaining_tokens(0, "m") == provider(2).remaining_tokens(0, "m") == float("inf")


def one_key_rests() -> ProviderHealth:
    """Return a provider whose first key of two rests for `m` until 160, but not for `other`."""
    found = provider(2)
    found.keys[0].begin(100, "other")
    found.keys[0].rate_limited(100, "m", 100, 60, jitter=1, per_day=False)
    return found


def test_model_is_asked_with_the_key_that_does_not_rest_for_it() -> None:
    found = one_key_rests()
    assert found.availability(101, "m") == Availability(State.CLOSED)
    assert found.next_key(101, "m") == 1


def test_limits_of_a_key_that_rests_for_the_model_do_not_count() -> None:
    found = one_key_rests()
    limited(found.keys[1], 5, 100)
    found.keys[1].apply_limits(100, "m", LimitHeaders(None, None, 10, 60))
    assert found.over_limit_seconds(101, "m") > 0
    assert found.remaining_tokens(101, "m") == 10


def test_token_quota_is_unknown_while_every_key_rests() -> None:
    found = one_key_rests()
    found.keys[1].rate_limited(100, "m", 100, 60, jitter=1, per_day=False)
    assert found.remaining_tokens(101, "m") == inf


def test_reason_of_a_rest_is_that_of_the_model() -> None:
    found = provider()
    found.keys[0].apply_limits(100, "m", LimitHeaders(0, 60))
    found.keys[0].rate_limited(100, "other", 100, 30, jitter=1, per_day=False)
    assert found.availability(101, "m").reason == "its limit is used up, 59 s left"


def test_missing_model_is_asked_again_at_the_end_of_its_time() -> None:
    found = provider()
    found.offers["m"] = OfferHealth(Breaker(5, 60), gone_until=100)
    assert found.availability(100, "m") == Availability(State.CLOSED)
    assert [found.is_unrestricted(now, "m") for now in (99, 100)] == [False, True]


def test_provider_without_attempts_has_no_failures_and_no_learned_limit() -> None:
    found = provider()
    shown = found.state("a", found.availability(0), 0)
    assert (shown.name, shown.failures, found.limit_of("m")) == ("a", 0, None)


def test_provider_without_keys_is_shown_closed() -> None:
    found = provider(0)
    found.drained = True
    assert found.state("a", found.availability(0), 0).state is State.CLOSED


def test_no_attempt_over_a_limit_is_due_without_a_usable_key() -> None:
    found = provider(2)
    for key in found.keys:
        key.rate_limited(0, "m", 0, 0.5, jitter=1, per_day=False)
    assert found.trial_wait_seconds(0, "m") == inf
    assert found.trial_wait_seconds(0, "other") == 0


def test_places_of_all_keys_are_added() -> None:
    found = provider(3)
    assert found.places_of("m") is None
    limited(found.keys[0], 5, 0)
    limited(found.keys[1], 7, 0)
    assert (found.places_of("m"), found.places_of("other")) == (12, None)
