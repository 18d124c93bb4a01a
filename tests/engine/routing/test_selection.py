from collections.abc import Sequence
from fractions import Fraction

import pytest

from engine.catalog.offers import Offer, Quote
from engine.errors import ContextTooLong, Overloaded, ProviderError, RateLimited
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
