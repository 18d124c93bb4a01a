import pytest

from engine.errors import Overloaded, RateLimited
from engine.ports import LimitHeaders
from engine.routing.health import Health, HealthPolicy
from engine.routing.permits import Permit
from engine.routing.selection import Pause
from tests.engine.clock import HandClock
from tests.engine.routing.prompts import CHEAP, Prompt, attempt_early, next_step
from tests.engine.two_providers import DOWN, A, B, TwoProviders


def test_resting_offer_is_waited_for_and_attempted_early(providers: TwoProviders) -> None:
    providers.fails(Overloaded(), 5)
    first, second = Prompt(providers, CHEAP), Prompt(providers, CHEAP)
    early = first.next()
    assert early is not None
    assert early.permit.early
    assert second.next() is not None
    assert 0.9 < second.waited_seconds < 1.2


def test_prompts_behind_a_good_early_attempt_go_on_at_once(providers: TwoProviders) -> None:
    providers.fails(Overloaded(), 5)
    first, second = Prompt(providers, CHEAP), Prompt(providers, CHEAP)
    early = first.next()
    assert early is not None
    assert isinstance(second.selection.next(providers.clock.monotonic()), Pause)
    providers.health.first_token(early.permit)
    choice = second.next()
    assert choice is not None
    assert not choice.permit.early


def test_early_attempt_at_an_offer_that_failed_this_prompt_counts_as_a_repeat(providers: TwoProviders) -> None:
    providers.succeeds()
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next())
    providers.fails(DOWN, 4)
    attempts = []
    for _ in range(4):
        choice = prompt.next()
        assert choice is not None
        assert choice.permit.early
        attempts.append(choice.number)
        prompt.fail(choice)
        providers.clock.wait(1)
    assert attempts == [0, 0, 0, 0]
    assert prompt.next() is None


def test_early_attempt_takes_its_tokens_from_the_reported_quota(providers: TwoProviders) -> None:
    limits = LimitHeaders(tokens_left=5000, tokens_reset_seconds=60)
    providers.health.succeeded(providers.permit(), 100, limits)
    providers.fails(DOWN, 5)
    choice = Prompt(providers, CHEAP._replace(expected_tokens=1200)).next()
    assert choice is not None
    assert choice.permit.early
    assert providers.health._providers["a"].keys[0].budget("m").tokens.remaining == 3800


def test_first_early_attempt_of_a_prompt_is_no_repeat(providers: TwoProviders) -> None:
    providers.succeeds()
    providers.fails(DOWN, 5)
    prompt = Prompt(providers, CHEAP)
    for _ in range(5):
        prompt.fail(prompt.next())
        providers.clock.wait(1)
    assert prompt.next() is None


def test_prompts_wait_for_an_early_attempt_for_two_seconds_at_most(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    prompt = Prompt(providers, CHEAP)
    assert prompt.next(attempt_early) is None
    assert 1 < prompt.waited_seconds <= 2


def test_pause_before_an_early_attempt_ends_when_it_is_due() -> None:
    for seconds, pause in ((0.05, 0.05), (1, 0.1)):
        fresh = TwoProviders()
        fresh.fails(RateLimited(retry_after_seconds=seconds))
        step = next_step(Prompt(fresh, CHEAP))
        assert isinstance(step, Pause)
        assert step.seconds == pytest.approx(pause)


def test_prompt_that_an_offer_failed_waits_for_its_early_attempts_for_five_seconds(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next())
    providers.fails(DOWN, 4)
    step = prompt.next(attempt_early)
    assert step is None or not step.permit.early  # the rest of 5 s is over
    assert 4 < prompt.waited_seconds <= 5.1


def test_early_attempt_during_a_rest_spends_no_retries(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next())
    providers.fails(DOWN, 4)
    providers.health._providers["a"].budget._left = 0.0
    assert isinstance(providers.health.admit(A, repeat=True, early=True), Permit)


def test_offer_that_is_out_for_good_hides_no_resting_one_behind_it(providers: TwoProviders) -> None:
    providers.health.drain("b")
    providers.fails(Overloaded(), 5)
    early = providers.health.early([B, A])
    assert early is not None
    assert early.offer == A


def test_offer_at_the_end_of_its_rest_is_attempted_before_one_in_its_last_half_second(providers: TwoProviders) -> None:
    providers.fails(Overloaded(), 5)
    providers.clock.wait(0.5)
    providers.fails(Overloaded(), 5, offer=B)
    providers.clock.wait(4.6)
    early = providers.health.early([B, A])
    assert early is not None
    assert early.offer == A


def test_offer_at_its_limit_for_long_hides_no_resting_one(providers: TwoProviders) -> None:
    for _ in range(6):
        providers.succeeds()
    providers.health.failed(providers.permit(), RateLimited(retry_after_seconds=0))
    providers.fails(Overloaded(), 5, offer=B)
    providers.health.failed(providers.permit(), RateLimited(retry_after_seconds=0))  # the test of the limit
    only_a = providers.health.early([A])
    assert only_a is not None
    assert only_a.wait_seconds > 2
    early = providers.health.early([A, B])
    assert early is not None
    assert (early.offer, early.wait_seconds) == (B, 0)


def test_resting_offers_take_turns_whichever_rest_is_shorter(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5, offer=B)
    providers.clock.wait(5)
    providers.fails(DOWN, 1, offer=B)  # a failed probe: the rest is twice as long
    providers.fails(DOWN, 5)
    attempted = []
    for _ in range(4):
        providers.clock.wait(1)
        early = providers.health.early([A, B])
        assert early is not None
        permit = providers.health.admit(early.offer, early=True)
        assert isinstance(permit, Permit)
        providers.health.failed(permit, DOWN)
        attempted.append(early.offer)
    assert attempted in ([A, B, A, B], [B, A, B, A])


@pytest.mark.parametrize(
    ("rest_seconds", "waits"), [(60, (2, 4, 3, 5)), (600, (2, 4, 3, 5)), (6, (0.2, 0.4, 0.3, 0.5))]
)
def test_prompts_wait_for_less_time_where_rests_are_short(rest_seconds: float, waits: tuple[float, ...]) -> None:
    health = Health(HealthPolicy(rest_seconds=rest_seconds), HandClock(), {"a": 1})
    found = [health.most_wait_seconds([A], is_very_dear=is_very_dear) for is_very_dear in (False, True)]
    health.admit(A)
    found += [health.most_wait_seconds([A], is_very_dear=is_very_dear) for is_very_dear in (False, True)]
    assert found == pytest.approx(waits)
