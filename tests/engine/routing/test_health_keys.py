"""The keys that attempts and repeats get, and the status of an offer whose attempts are late."""

from engine.errors import RateLimited
from engine.routing.permits import Permit
from tests.engine.routing.prompts import CHEAP, Prompt, spend_retries
from tests.engine.two_providers import A2, A, TwoProviders


def keys_of(providers: TwoProviders, *, free: bool) -> list[int]:
    permits = [providers.health.admit(A, free=free) for _ in range(3)]
    return [permit.key for permit in permits if isinstance(permit, Permit)]


def test_only_free_attempts_take_the_keys_with_free_requests() -> None:
    providers = TwoProviders(keys=2)
    assert keys_of(providers, free=True) == [0, 1, 0]
    providers.health.preferred_keys = lambda offer: (1,) if offer == A else ()
    assert keys_of(providers, free=True) == [1, 1, 1]
    assert keys_of(providers, free=False) == [0, 1, 0]
    plain = [providers.permit().key for _ in range(2)]
    assert plain == [1, 0]


def test_key_rests_for_the_model_that_was_limited() -> None:
    providers = TwoProviders(keys=2)
    providers.fails(RateLimited(retry_after_seconds=0.5))
    found = [providers.health.is_usable(offer, key) for offer in (A, A2) for key in (0, 1, 2)]
    assert found == [False, True, False, True, True, False]


def test_offer_whose_attempts_are_late_may_be_attempted_early() -> None:
    providers = TwoProviders()
    providers.succeeds(20)
    assert not providers.health.status(A).may_be_early
    providers.permit()
    providers.clock.wait(15)
    assert providers.health.status(A).may_be_early


def test_first_attempts_and_other_keys_spend_no_retries() -> None:
    providers = TwoProviders(keys=2)
    spend_retries(providers)
    prompt, keys = Prompt(providers, CHEAP), []
    for _ in range(2):
        choice = prompt.next()
        assert choice is not None
        keys.append(choice.permit.key)
        prompt.fail(choice, RateLimited(retry_after_seconds=30))
    assert sorted(keys) == [0, 1]
    assert prompt.waited_seconds == 0
