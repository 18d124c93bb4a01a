import pytest

from engine.catalog.offers import Drop, Offer, Quote
from engine.errors import (
    ContextTooLong,
    FirstTokenLate,
    ProviderError,
    RateLimited,
    StreamCut,
    Unreachable,
    WentSilent,
)
from engine.routing.selection import Pause
from tests.engine.routing.prompts import CHEAP, DEAR, Prompt, next_step, spend_retries
from tests.engine.scripted import PRICE
from tests.engine.two_providers import DOWN, A, B, TwoProviders


def test_each_offer_is_attempted_before_any_repeat(providers: TwoProviders) -> None:
    near = DEAR._replace(expected_atto=2 * 10**12)
    assert Prompt(providers, CHEAP, near).attempts_until_the_end()[:2] == ["a", "b"]


def test_prompt_is_repeated_four_times_at_most_over_all_offers(providers: TwoProviders) -> None:
    near = DEAR._replace(expected_atto=2 * 10**12)
    assert len(Prompt(providers, CHEAP, near).attempts_until_the_end()) == 6


def test_pauses_between_repeats_double(providers: TwoProviders) -> None:
    providers.succeeds()
    prompt, pauses = Prompt(providers, CHEAP), []
    for _ in range(5):
        prompt.fail(prompt.next())
        pauses.append(prompt.waited_seconds)
    assert pauses == [0, 0.25, 0.75, 1.75, 3.75]


@pytest.mark.parametrize("error", [ContextTooLong(), RateLimited(retry_after_seconds=9)])
def test_error_that_is_no_failure_is_not_repeated(providers: TwoProviders, error: ProviderError) -> None:
    assert Prompt(providers, CHEAP).attempts_until_the_end(error) == ["a"]


@pytest.mark.parametrize(("seconds", "shown", "attempts"), [(5, False, 2), (5.1, False, 1), (30, True, 2)])
def test_only_a_quick_failure_and_a_cut_answer_are_repeated(
    providers: TwoProviders, seconds: float, shown: bool, attempts: int
) -> None:
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next(), seconds=seconds, shown=shown)
    assert (prompt.next() is not None) is (attempts == 2)


def test_repeat_waits_for_the_retry_budget_up_to_five_seconds(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next())
    while providers.health.admit(A, repeat=True).__class__.__name__ == "Permit":
        pass
    assert prompt.next() is not None
    assert 0.9 < prompt.waited_seconds < 1.5


@pytest.mark.parametrize(("times", "offers"), [(3, ["a", "b", "a"]), (3.1, ["a", "a", "b"])])
def test_quick_failure_is_repeated_once_at_once_where_the_next_offer_costs_over_three_times_as_much(
    providers: TwoProviders, times: float, offers: list[str]
) -> None:
    dear = DEAR._replace(expected_atto=int(times * 10**12))
    dearest = Quote(Offer("b", "other"), PRICE, 10**15)
    prompt, asked = Prompt(providers, CHEAP, dear, dearest), []
    for _ in range(3):
        choice = prompt.next()
        assert choice is not None
        asked.append(choice.permit.offer.provider)
        prompt.fail(choice, ContextTooLong() if choice.permit.offer.provider == "b" else DOWN)
    assert asked == offers
    assert prompt.waited_seconds == 0


def test_cut_answer_is_repeated_after_a_pause_or_once_its_offer_answers_another_prompt(providers: TwoProviders) -> None:
    pauses = []
    for others in (lambda _: None, lambda each: each.succeeds()):
        prompt = Prompt(providers, CHEAP, DEAR)
        choice = prompt.next()
        assert choice is not None
        providers.health.first_token(choice.permit)
        providers.clock.wait(1)
        prompt.fail(choice, StreamCut(), seconds=30, shown=True)
        providers.clock.wait(0.01)
        again = prompt.next(others)
        assert again is not None
        assert again.permit.offer == A
        pauses.append(prompt.waited_seconds)
    assert 0.2 < pauses[0] < 0.35
    assert pauses[1] == 0


def test_connection_that_was_refused_is_repeated_after_a_pause(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP, DEAR)
    prompt.fail(prompt.next(), Unreachable("refused"))
    again = prompt.next()
    assert again is not None
    assert again.permit.offer == A
    assert 0.25 <= prompt.waited_seconds < 0.35


def test_offer_that_failed_is_repeated_before_a_dear_one_even_after_others_have_failed(providers: TwoProviders) -> None:
    near = Quote(B, PRICE, 2 * 10**12)
    prompt = Prompt(providers, CHEAP, near, Quote(Offer("b", "other"), PRICE, 9 * 10**12))
    assert prompt.attempts_until_the_end()[:5] == ["a", "b", "a", "b", "b"]


@pytest.mark.parametrize(("answers_meanwhile", "offer"), [(True, A), (False, B)])
def test_slow_failure_is_repeated_where_its_offer_has_answered_another_prompt_since(
    providers: TwoProviders, answers_meanwhile: bool, offer: Offer
) -> None:
    providers.succeeds(20)
    prompt = Prompt(providers, CHEAP, DEAR)
    choice = prompt.next()
    providers.clock.wait(20)
    if answers_meanwhile:
        providers.succeeds()
    prompt.fail(choice, FirstTokenLate(), seconds=20)
    again = prompt.next()
    assert again is not None
    assert again.permit.offer == offer
    assert prompt.waited_seconds == 0


def test_repeat_before_a_dear_offer_needs_the_retry_budget(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP, DEAR)
    prompt.fail(prompt.next())
    spend_retries(providers)
    again = prompt.next()
    assert again is not None
    assert again.permit.offer == B


@pytest.mark.parametrize(("times", "offers"), [(3, ["a", "b"]), (3.1, ["a", "a"])])
def test_cut_answer_is_repeated_once_where_the_next_offer_costs_over_three_times_as_much(
    providers: TwoProviders, times: float, offers: list[str]
) -> None:
    prompt = Prompt(providers, CHEAP, DEAR._replace(expected_atto=int(times * 10**12)))
    choice = prompt.next()
    prompt.fail(choice, StreamCut(), seconds=30, shown=True)
    again = prompt.next()
    assert choice is not None
    assert again is not None
    assert [choice.permit.offer.provider, again.permit.offer.provider] == offers


def three_failures(providers: TwoProviders) -> list[Prompt]:
    """Return three simultaneous prompts that have failed at provider `a`."""
    prompts = [Prompt(providers, CHEAP, DEAR) for _ in range(3)]
    first = [prompt.next() for prompt in prompts]
    for prompt, choice in zip(prompts, first, strict=True):
        prompt.fail(choice)
    return prompts


def test_failure_is_not_repeated_at_once_where_those_before_it_show_an_outage(providers: TwoProviders) -> None:
    for _ in range(200):
        providers.succeeds()
        providers.clock.wait(0.1)
    assert all(isinstance(next_step(prompt), Pause) for prompt in three_failures(providers))


def test_failure_is_repeated_at_once_where_as_many_are_usual(providers: TwoProviders) -> None:
    for _ in range(50):
        providers.fails(DOWN, 1)
        providers.succeeds()
        providers.clock.wait(0.1)
    again = [prompt.next() for prompt in three_failures(providers)]
    assert [None if choice is None else choice.permit.offer for choice in again] == [A, A, A]


def test_prompt_is_repeated_four_times_at_most_however_slow_its_attempts_are(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP, DEAR._replace(expected_atto=2 * 10**12))
    for _ in range(6):
        prompt.fail(prompt.next(), seconds=4)
        providers.clock.wait(4.5)
    assert prompt.next() is None


def test_offer_that_failed_after_its_repeat_by_no_fault_of_its_own_is_not_repeated_again(
    providers: TwoProviders,
) -> None:
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next())
    prompt.fail(prompt.next(), ContextTooLong())
    assert prompt.next() is None


def test_quote_that_is_left_out_is_not_repeated_and_the_receipt_says_why(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP, DEAR._replace(expected_atto=2 * 10**12))
    prompt.fail(prompt.next())
    prompt.selection.leave_out(0, "context too short")
    providers.health.drain("b")
    assert prompt.next() is None
    assert prompt.selection.drops == [Drop(A, "context too short"), Drop(B, "drained by an operator")]


@pytest.mark.parametrize(("kept", "offers"), [({0}, ["a"] * 4), ({1}, ["b"] * 4)])
def test_only_quotes_that_are_kept_are_repeated(providers: TwoProviders, kept: set[int], offers: list[str]) -> None:
    prompt = Prompt(providers, CHEAP, DEAR._replace(expected_atto=2 * 10**12))
    prompt.fail(prompt.next())
    prompt.fail(prompt.next())
    prompt.selection.keep_only(kept, "refused the request")
    assert prompt.attempts_until_the_end() == offers


@pytest.mark.parametrize(("kept", "offer"), [({0, 1}, "a"), ({1}, "b")])
def test_only_a_quote_that_is_kept_is_repeated_before_a_dear_one(
    providers: TwoProviders, kept: set[int], offer: str
) -> None:
    prompt = Prompt(providers, CHEAP, DEAR)
    prompt.fail(prompt.next())
    prompt.selection.keep_only(kept, "refused the request")
    choice = prompt.next()
    assert choice is not None
    assert choice.permit.offer.provider == offer


def test_repeats_wait_for_an_empty_retry_budget_for_five_seconds_at_most(providers: TwoProviders) -> None:
    providers.succeeds()
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next())
    assert prompt.next(spend_retries) is None
    assert 5 <= prompt.waited_seconds < 5.2


def test_quote_that_is_left_out_is_not_attempted_under_another_key() -> None:
    providers = TwoProviders(keys=2)
    left_out, kept_only = Prompt(providers, CHEAP, DEAR), Prompt(providers, CHEAP, DEAR)
    for prompt in (left_out, kept_only):
        prompt.fail(prompt.next(), RateLimited(retry_after_seconds=0))
    left_out.selection.leave_out(0, "context too short")
    kept_only.selection.keep_only({1}, "a refused the request")
    for prompt in (left_out, kept_only):
        choice = prompt.next()
        assert choice is not None
        assert choice.permit.offer == B


def test_saving_of_a_prompt_that_a_resting_offer_failed_counts_towards_its_early_attempt(
    providers: TwoProviders,
) -> None:
    providers.succeeds()
    prompt = Prompt(providers, CHEAP, DEAR)
    failed = prompt.next()
    providers.fails(DOWN, 4)
    providers.clock.wait(0.4)
    prompt.fail(failed, StreamCut("cut"), shown=True)
    providers.clock.wait(0.4)
    choice = prompt.next()
    assert choice is not None
    assert (choice.permit.offer, choice.permit.early) == (A, True)


@pytest.mark.parametrize(("error", "shown"), [(FirstTokenLate(), False), (WentSilent(), False), (WentSilent(), True)])
def test_silence_is_not_waited_for_twice_however_short_it_is(
    providers: TwoProviders, error: ProviderError, shown: bool
) -> None:
    prompt = Prompt(providers, CHEAP, DEAR)
    prompt.fail(prompt.next(), error, seconds=2, shown=shown)
    choice = prompt.next()
    assert choice is not None
    assert choice.permit.offer == B


@pytest.mark.parametrize("answered_before_seconds", [None, 12, 0])
def test_slow_failure_is_repeated_where_no_other_offer_is_left_and_its_own_answers_others(
    providers: TwoProviders, answered_before_seconds: int | None
) -> None:
    prompt = Prompt(providers, CHEAP, DEAR._replace(expected_atto=2 * 10**12))
    slow = prompt.next()
    providers.clock.wait(20 - (answered_before_seconds or 0))
    if answered_before_seconds is not None:
        providers.succeeds()
        providers.clock.wait(answered_before_seconds)
    prompt.fail(slow, FirstTokenLate(), seconds=20)
    prompt.fail(prompt.next(), DOWN, seconds=20)
    again = prompt.next()
    assert (None if again is None else again.permit.offer) == (A if answered_before_seconds == 0 else None)


def test_slow_failure_is_repeated_four_times_at_most(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP)
    for _ in range(5):
        slow = prompt.next()
        providers.clock.wait(20)
        providers.succeeds()
        prompt.fail(slow, FirstTokenLate(), seconds=20)
    assert prompt.next() is None
