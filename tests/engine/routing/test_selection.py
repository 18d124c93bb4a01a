from collections.abc import Sequence
from fractions import Fraction

import pytest

from engine.catalog.offers import Drop, Offer, Quote
from engine.errors import ContextTooLong, Overloaded, ProviderError, RateLimited
from engine.ports import LimitHeaders
from engine.routing.permits import Permit
from engine.routing.plan import Choice, Pause, Route, Selection, plan
from tests.engine.scripted import PRICE
from tests.engine.two_providers import DOWN, A, B, TwoProviders

CHEAP, DEAR = Quote(A, PRICE, 10**12), Quote(B, PRICE, 5 * 10**12)


class Prompt:
    """One prompt that is attempted under a clock that pauses move."""

    def __init__(self, providers: TwoProviders, *quotes: Quote) -> None:
        self.providers = providers
        self.selection = Selection(providers.health, quotes, self._order)
        self.waited_seconds = 0.0

    def _order(self, quotes: Sequence[Quote]) -> Route:
        return plan(quotes, (), self.providers.health.status, Fraction(0))

    def next(self) -> Choice | None:
        """Return the next choice after its pauses, or None at the end."""
        while isinstance(step := self.selection.next(self.providers.clock.monotonic()), Pause):
            self.providers.clock.wait(step.seconds)
            self.waited_seconds += step.seconds
        if step is not None:
            self.selection.begin(step.number)
        return step

    def fail(
        self, choice: Choice | None, error: ProviderError = DOWN, *, seconds: float = 0, shown: bool = False
    ) -> None:
        assert choice is not None
        self.providers.health.failed(choice.permit, error)
        now = self.providers.clock.monotonic()
        self.selection.failed(choice, error, seconds=seconds, was_shown=shown, now=now)

    def attempts_until_the_end(self, error: ProviderError = DOWN) -> list[str]:
        offers = []
        while (choice := self.next()) is not None:
            offers.append(choice.permit.offer.provider)
            self.fail(choice, error)
        return offers


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


@pytest.mark.parametrize(("seconds", "shown", "attempts"), [(5, False, 2), (5.1, False, 1), (0, True, 1)])
def test_only_a_quick_failure_before_any_content_is_repeated(
    providers: TwoProviders, seconds: float, shown: bool, attempts: int
) -> None:
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next(), seconds=seconds, shown=shown)
    assert (prompt.next() is not None) is (attempts == 2)


def test_other_keys_of_the_provider_are_tried_before_the_next_offer() -> None:
    providers = TwoProviders(keys=2)
    prompt = Prompt(providers, CHEAP, DEAR)
    keys = []
    for _ in range(3):
        choice = prompt.next()
        assert choice is not None
        keys.append((choice.permit.offer.provider, choice.permit.key))
        prompt.fail(choice, RateLimited(retry_after_seconds=30))
    assert keys == [("a", 0), ("a", 1), ("b", 0)]


def test_repeat_waits_for_the_retry_budget_up_to_five_seconds(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next())
    while providers.health.admit(A, repeat=True).__class__.__name__ == "Permit":
        pass
    assert prompt.next() is not None
    assert 0.9 < prompt.waited_seconds < 1.5


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


def test_rate_limit_that_ends_within_two_seconds_is_waited_for() -> None:
    for seconds, is_waited_for in ((1.9, True), (2.5, False)):
        fresh = TwoProviders()
        fresh.fails(RateLimited(retry_after_seconds=seconds))
        prompt = Prompt(fresh, CHEAP)
        assert (prompt.next() is not None) is is_waited_for
    assert prompt.selection.retry_after_seconds == pytest.approx(2.5, abs=0.01)


def test_drained_offers_end_the_prompt_at_once_with_their_reason(providers: TwoProviders) -> None:
    providers.health.drain("a")
    prompt = Prompt(providers, CHEAP)
    assert prompt.next() is None
    assert [drop.reason for drop in prompt.selection.drops] == ["drained by an operator"]
    assert prompt.waited_seconds == 0


def test_offer_that_is_left_out_is_not_attempted(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP, DEAR)
    prompt.selection.leave_out(0, "context too short")
    choice = prompt.next()
    assert choice is not None
    assert choice.permit.offer == B


def test_only_offer_over_its_learned_limit_is_attempted_once_a_second(providers: TwoProviders) -> None:
    providers.succeeds(20)
    providers.fails(RateLimited(retry_after_seconds=0))
    waits = []
    for _ in range(3):
        prompt = Prompt(providers, CHEAP)
        assert prompt.next() is not None
        waits.append(round(prompt.waited_seconds, 1))
    assert waits == [0, 1, 1]


def test_demand_is_counted_once_for_each_prompt(providers: TwoProviders) -> None:
    providers.succeeds(20)
    providers.fails(RateLimited(retry_after_seconds=0))
    for _ in range(30):
        prompt = Prompt(providers, CHEAP, DEAR)
        prompt.fail(prompt.next(), ContextTooLong())
        prompt.next()
    assert len(providers.health._providers["a"].offers["m"].demand._savings) == 30


def test_offers_are_told_apart_by_their_place_in_the_route(providers: TwoProviders) -> None:
    twin = Quote(Offer("b", "other"), PRICE, 10**12)
    prompt = Prompt(providers, CHEAP, twin)
    first, second = prompt.next(), prompt.next()
    assert first is not None
    assert second is not None
    assert {first.number, second.number} == {0, 1}


def spend_retries(providers: TwoProviders) -> None:
    """Use up the retry budget of provider `a`."""
    while isinstance(permit := providers.health.admit(A, repeat=True), Permit):
        providers.health.abandoned(permit)


def next_step(prompt: Prompt) -> Choice | Pause | None:
    return prompt.selection.next(prompt.providers.clock.monotonic())


@pytest.mark.parametrize(("times", "offers"), [(3, ["a", "b", "b"]), (3.1, ["a", "a", "b"])])
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


def test_quote_is_fresh_until_it_is_attempted(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP, DEAR)
    prompt.next()
    assert [prompt.selection.is_fresh(number) for number in (0, 1)] == [False, True]


def test_key_that_was_refused_is_not_used_again_even_without_a_rest(providers: TwoProviders) -> None:
    prompt = Prompt(providers, CHEAP, DEAR)
    first = prompt.next()
    prompt.fail(first, RateLimited(retry_after_seconds=0))
    choice = prompt.next()
    assert choice is not None
    assert choice.permit.offer == B
    assert not providers.health._providers["a"].offers["m"].pending


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


def test_repeats_wait_for_an_empty_retry_budget_for_five_seconds_at_most(providers: TwoProviders) -> None:
    providers.succeeds()
    prompt = Prompt(providers, CHEAP)
    prompt.fail(prompt.next())
    while True:
        spend_retries(providers)
        step = next_step(prompt)
        if not isinstance(step, Pause):
            break
        providers.clock.wait(step.seconds)
        prompt.waited_seconds += step.seconds
    assert 5 < prompt.waited_seconds < 5.2


def test_offer_that_came_to_rest_after_the_plan_is_left_out_with_the_reason(providers: TwoProviders) -> None:
    providers.health.drain("a")
    selection = Selection(providers.health, (CHEAP, DEAR), lambda quotes: Route(tuple(quotes), ()))
    choice = selection.next(providers.clock.monotonic())
    assert isinstance(choice, Choice)
    assert (choice.number, selection.drops) == (1, [Drop(A, "drained by an operator")])


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


def test_attempt_takes_its_tokens_from_the_reported_quota(providers: TwoProviders) -> None:
    limits = LimitHeaders(tokens_left=5000, tokens_reset_seconds=60)
    providers.health.succeeded(providers.permit(), 100, limits)
    assert Prompt(providers, CHEAP._replace(expected_tokens=1200)).next() is not None
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
    while True:
        early = providers.health.early([A])
        if early is not None and early.wait_seconds <= 0:
            providers.health.admit(A, early=True)  # another prompt's attempt
        step = next_step(prompt)
        if not isinstance(step, Pause):
            break
        providers.clock.wait(step.seconds)
        prompt.waited_seconds += step.seconds
    assert step is None
    assert 1 < prompt.waited_seconds <= 2


def test_pause_before_an_early_attempt_ends_when_it_is_due() -> None:
    for seconds, pause in ((0.05, 0.05), (1, 0.1)):
        fresh = TwoProviders()
        fresh.fails(RateLimited(retry_after_seconds=seconds))
        step = next_step(Prompt(fresh, CHEAP))
        assert isinstance(step, Pause)
        assert step.seconds == pytest.approx(pause)


def test_demand_is_not_counted_again_when_a_prompt_moves_on(providers: TwoProviders) -> None:
    providers.succeeds(20)
    providers.fails(RateLimited(retry_after_seconds=0))
    prompt = Prompt(providers, CHEAP, DEAR, Quote(Offer("b", "other"), PRICE, 9 * 10**12))
    prompt.fail(prompt.next(), ContextTooLong())
    prompt.next()
    assert len(providers.health._providers["a"].offers["m"].demand._savings) == 1
