"""Prompts that wait a moment for the attempts of others, instead of failing with them or paying much more."""

from fractions import Fraction

import pytest

from engine.catalog.offers import Quote
from engine.errors import StreamCut
from engine.routing.permits import Permit
from engine.routing.plan import Route, plan, with_early
from engine.routing.selection import NextAttempt, Pause
from tests.engine.routing.prompts import CHEAP, DEAR, Prompt, next_step
from tests.engine.two_providers import DOWN, A, B, TwoProviders

NEAR = DEAR._replace(expected_atto=2 * CHEAP.expected_atto)


def cut_together(providers: TwoProviders, number: int = 2) -> list[Prompt]:
    """Return prompts whose answers A has cut at the same moment. Their next offer is not much dearer."""
    prompts = [Prompt(providers, CHEAP, NEAR) for _ in range(number)]
    choices = [prompt.next() for prompt in prompts]
    for choice in choices:
        assert choice is not None
        providers.health.first_token(choice.permit)
    for prompt, choice in zip(prompts, choices, strict=True):
        prompt.fail(choice, StreamCut(), shown=True)
    return prompts


def begun(prompt: Prompt) -> Permit:
    """Return the permit of the prompt's next attempt, which begins at once."""
    step = next_step(prompt)
    assert isinstance(step, NextAttempt)
    prompt.selection.begin(step.number)
    return step.permit


def leave_a(prompts: list[Prompt]) -> None:
    for prompt in prompts:
        prompt.selection.leave_out(0, "down")


def test_one_of_the_prompts_that_failed_together_goes_first(providers: TwoProviders) -> None:
    first, second = prompts = cut_together(providers)
    leave_a(prompts)
    assert begun(first).offer == B
    assert next_step(second) == Pause(pytest.approx(0.1))  # type: ignore[arg-type]
    providers.clock.wait(0.1)
    assert begun(second).offer == B


def test_prompts_go_on_at_once_where_the_offer_has_just_answered_another(providers: TwoProviders) -> None:
    first, second = prompts = cut_together(providers)
    leave_a(prompts)
    providers.succeeds(offer=B)
    providers.clock.wait(0.9)
    begun(first)
    assert isinstance(next_step(second), NextAttempt)


def test_answer_before_a_failure_is_no_sign_of_life(providers: TwoProviders) -> None:
    first, second = prompts = cut_together(providers)
    leave_a(prompts)
    providers.succeeds(offer=B)
    providers.clock.wait(0.1)
    providers.fails(DOWN, offer=B)
    begun(first)
    assert isinstance(next_step(second), Pause)


def test_prompts_follow_one_by_one_while_the_offer_refuses_and_wait_half_a_second_at_most(
    providers: TwoProviders,
) -> None:
    *others, last = prompts = cut_together(providers, 8)
    leave_a(prompts)
    waited = 0.0
    for other in others:
        begun(other)
        step = next_step(last)
        if not isinstance(step, Pause):
            break
        waited += step.seconds
        providers.clock.wait(step.seconds)
        providers.fails(DOWN, offer=B)  # so that no attempt has shown that the offer works
        for permit in providers.health.providers["b"].offers["m"].pending.began_at.copy():
            providers.health.providers["b"].offers["m"].pending.end(permit)
    assert waited == pytest.approx(0.5)


def test_new_prompt_is_not_held(providers: TwoProviders) -> None:
    Prompt(providers, NEAR).next()
    assert isinstance(next_step(Prompt(providers, NEAR)), NextAttempt)


# --- attempts at a resting offer -----------------------------------------------------------------------


def resting(providers: TwoProviders, seconds: float = 0.4) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(seconds)


def early_permit(providers: TwoProviders) -> Permit:
    """Begin an attempt at A, whose failures usually take a second."""
    permit = providers.health.admit(A, early=True)
    providers.health.offer_health("a", "m").resting.failure_seconds = 1.0
    assert isinstance(permit, Permit)
    return permit


def test_attempt_under_way_is_waited_for_where_the_next_offer_is_much_dearer(providers: TwoProviders) -> None:
    resting(providers)
    permit = early_permit(providers)
    prompt = Prompt(providers, CHEAP, DEAR)
    for _ in range(4):
        assert next_step(prompt) == Pause(0.05)
        providers.clock.wait(0.05)
    providers.health.first_token(permit)
    assert begun(prompt).offer == A


@pytest.mark.parametrize(("times", "most_seconds"), [(3.1, 3), (10, 3), (10.1, 5)])
def test_attempts_under_way_are_waited_for_three_seconds_at_most_or_five_where_the_next_offer_is_very_dear(
    providers: TwoProviders, times: float, most_seconds: float
) -> None:
    resting(providers)
    early_permit(providers)
    health = providers.health.offer_health("a", "m")
    health.resting.failure_seconds, health.breaker.opened_until = 100.0, 1e9  # so that no further attempt is due
    prompt = Prompt(providers, CHEAP, DEAR._replace(expected_atto=int(times * CHEAP.expected_atto)))

    def attempt_again(providers: TwoProviders) -> None:
        if health.pending.newest_at < providers.clock.monotonic() - 0.8:
            providers.health.admit(A, early=True)

    choice = prompt.next(attempt_again)
    assert choice is not None
    assert choice.permit.offer == B
    assert prompt.waited_seconds == pytest.approx(most_seconds, abs=0.21)


def test_attempt_that_waits_for_long_is_not_waited_for(providers: TwoProviders) -> None:
    resting(providers)
    early_permit(providers)
    providers.health.passed_over(A, -1e18)
    providers.health.offer_health("a", "m").resting.failure_seconds = 20
    providers.clock.wait(1.5)
    assert begun(Prompt(providers, CHEAP, DEAR)).offer == B


def test_offer_that_is_little_dearer_is_asked_at_once(providers: TwoProviders) -> None:
    resting(providers, 0.1)
    early_permit(providers)
    assert begun(Prompt(providers, CHEAP, NEAR)).offer == B


@pytest.mark.parametrize(("seconds", "is_held"), [(0.09, False), (0.11, True)])
def test_attempt_that_is_due_within_seven_tenths_of_a_second_is_waited_for(
    providers: TwoProviders, seconds: float, is_held: bool
) -> None:
    resting(providers, seconds)
    providers.health.offer_health("a", "m").resting.failure_seconds = 4.0  # the first attempt is due after a fifth
    assert isinstance(next_step(Prompt(providers, CHEAP, DEAR)), Pause) is is_held


VERY_DEAR = DEAR._replace(expected_atto=20 * CHEAP.expected_atto)


@pytest.mark.parametrize(("dear", "seconds"), [(DEAR, 2), (VERY_DEAR, 4)])
@pytest.mark.parametrize("failures", [2, 5])
def test_failed_prompt_repeats_a_failing_offer_once_at_the_end_of_its_wait(
    providers: TwoProviders, dear: Quote, seconds: float, failures: int
) -> None:
    prompt = failed_prompt(providers, dear, others_failed=failures - 1)
    again = begun_after_pauses(prompt)
    assert again.offer == A
    assert seconds <= prompt.waited_seconds < seconds + 0.1
    prompt.fail(NextAttempt(0, again))
    assert begun_after_pauses(prompt).offer == B


def test_failed_prompts_follow_the_one_that_repeats_first(providers: TwoProviders) -> None:
    providers.succeeds(100)
    providers.clock.wait(0.1)
    first, second = prompts = [Prompt(providers, CHEAP, VERY_DEAR) for _ in range(2)]
    choices = [prompt.next() for prompt in prompts]
    for prompt, choice in zip(prompts, choices, strict=True):
        prompt.fail(choice)
    permit = begun_after_pauses(first)
    held = [next_step(second) for _ in range(9)]
    providers.health.first_token(permit)
    assert all(isinstance(step, Pause) for step in held)
    assert begun(second).offer == A


def test_failed_prompt_follows_at_once_where_another_shows_that_its_offer_is_back(providers: TwoProviders) -> None:
    prompt = failed_prompt(providers, VERY_DEAR, others_failed=4)
    providers.clock.wait(0.7)
    assert isinstance(next_step(prompt), Pause)
    providers.health.first_token(begun(Prompt(providers, CHEAP, VERY_DEAR)))
    assert begun(prompt).offer == A


def failed_prompt(providers: TwoProviders, dear: Quote, *, others_failed: int) -> Prompt:
    """Return a prompt whose attempt at a well-known cheap offer has just failed, and others with it."""
    providers.succeeds(100)
    providers.clock.wait(0.1)
    prompt = Prompt(providers, CHEAP, dear)
    choice = prompt.next()
    providers.fails(DOWN, others_failed)
    prompt.fail(choice)
    return prompt


def begun_after_pauses(prompt: Prompt) -> Permit:
    choice = prompt.next()
    assert choice is not None
    return choice.permit


# --- offers whose attempts are late --------------------------------------------------------------------

DELAY = Fraction("0.00001")


def late(providers: TwoProviders) -> None:
    """Let an attempt at A wait unusually long for its first token."""
    providers.succeeds(10)
    providers.permit()
    providers.clock.wait(2.1)


def route_of(providers: TwoProviders, *quotes: Quote) -> Route:
    return with_early(plan(quotes, (), providers.health.status, DELAY), providers.health)


def test_late_offer_is_attempted_again_at_the_pace_of_slow_failures(providers: TwoProviders) -> None:
    late(providers)
    providers.health.passed_over(A, 1e18)
    assert [quote.offer for quote in route_of(providers, CHEAP, DEAR).quotes] == [B, A]
    providers.clock.wait(1.8)
    assert [quote.offer for quote in route_of(providers, CHEAP, DEAR).quotes] == [B, A]
    providers.clock.wait(0.2)
    assert [quote.offer for quote in route_of(providers, CHEAP, DEAR).quotes] == [A, B]
    permit = early_permit(providers)
    assert not permit.early
    providers.health.passed_over(A, 1e18)
    assert [quote.offer for quote in route_of(providers, CHEAP, DEAR).quotes] == [B, A]


def test_late_offer_is_attempted_again_once_prompts_have_paid_for_the_delay(providers: TwoProviders) -> None:
    late(providers)
    providers.clock.wait(4)
    saving_atto = DEAR.expected_atto - CHEAP.expected_atto
    failure_atto = 20 * 10**13  # 20 s of waiting, plus a share of the answer's cost
    times = 0
    while route_of(providers, CHEAP, DEAR).quotes[0].offer == B:
        times += 1
    assert failure_atto / saving_atto <= times <= failure_atto / saving_atto + 2


def test_late_offer_that_is_still_the_cheapest_is_no_early_quote(providers: TwoProviders) -> None:
    late(providers)
    dearest = DEAR._replace(expected_atto=10**18)
    route = plan([CHEAP, dearest], (), providers.health.status, DELAY)
    assert [quote.offer for quote in route.quotes] == [A, B]
    assert route.early == ()
    last = plan([CHEAP._replace(last_resort=True), DEAR], (), providers.health.status, DELAY)
    assert last.early == ()


def test_prompt_that_waits_for_long_looks_less_often(providers: TwoProviders) -> None:
    prompt = failed_prompt(providers, VERY_DEAR, others_failed=1)
    pauses = []
    while isinstance(step := next_step(prompt), Pause):
        pauses.append(step.seconds)
        providers.clock.wait(step.seconds)
    assert (pauses[0], pauses[-1]) == (0.05, 0.2)
    assert 20 < len(pauses) < 35
