from collections.abc import Sequence

import pytest

from engine.catalog.offers import Drop, Offer, Quote
from engine.errors import ContextTooLong, RateLimited, StreamCut
from engine.ports import LimitHeaders
from engine.routing.plan import EarlyQuote, Route
from engine.routing.selection import NextAttempt, Pause, Selection
from tests.engine.routing.prompts import CHEAP, DEAR, Prompt, next_step, spend_retries
from tests.engine.scripted import PRICE
from tests.engine.two_providers import A2, DOWN, A, B, TwoProviders


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


def test_only_offer_over_its_learned_limit_is_attempted_at_growing_pauses(providers: TwoProviders) -> None:
    providers.succeeds(20)
    providers.fails(RateLimited(retry_after_seconds=0))
    for pause in (3, 9):
        choice = Prompt(providers, CHEAP).next()
        assert choice is not None
        providers.health.failed(choice.permit, RateLimited(retry_after_seconds=0))
        turned_away = Prompt(providers, CHEAP)
        assert turned_away.next() is None
        assert turned_away.selection.retry_after_seconds <= pause
        providers.clock.wait(pause)


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
    assert not providers.health._providers["a"].offers["m"].pending.began_at


def test_offer_that_came_to_rest_after_the_plan_is_left_out_with_the_reason(providers: TwoProviders) -> None:
    providers.health.drain("a")
    selection = Selection(providers.health, (CHEAP, DEAR), lambda quotes: Route(tuple(quotes), ()))
    choice = selection.next(providers.clock.monotonic())
    assert isinstance(choice, NextAttempt)
    assert (choice.number, selection.drops) == (1, [Drop(A, "drained by an operator")])


def test_attempt_takes_its_tokens_from_the_reported_quota(providers: TwoProviders) -> None:
    limits = LimitHeaders(tokens_left=5000, tokens_reset_seconds=60)
    providers.health.succeeded(providers.permit(), 100, limits)
    assert Prompt(providers, CHEAP._replace(expected_tokens=1200)).next() is not None
    assert providers.health._providers["a"].keys[0].budget("m").tokens.remaining == 3800


def test_demand_is_not_counted_again_when_a_prompt_moves_on(providers: TwoProviders) -> None:
    providers.succeeds(20)
    providers.fails(RateLimited(retry_after_seconds=0))
    prompt = Prompt(providers, CHEAP, DEAR, Quote(Offer("b", "other"), PRICE, 9 * 10**12))
    prompt.fail(prompt.next(), ContextTooLong())
    prompt.next()
    assert len(providers.health._providers["a"].offers["m"].demand._savings) == 1


def failed_quickly(providers: TwoProviders) -> Prompt:
    """Return a prompt whose cheap offer has failed quickly. It is repeated before an offer five times as dear."""
    prompt = Prompt(providers, CHEAP, DEAR)
    prompt.fail(prompt.next())
    return prompt


def number_of_next(prompt: Prompt) -> int | None:
    step = next_step(prompt)
    return step.number if isinstance(step, NextAttempt) else None


def test_offer_to_repeat_is_not_attempted_once_it_is_left_out(providers: TwoProviders) -> None:
    prompt = failed_quickly(providers)
    prompt.selection.leave_out(0, "context too short")
    assert number_of_next(prompt) == 1


def number_after_pauses(prompt: Prompt) -> int | None:
    choice = prompt.next()
    return None if choice is None else choice.number


def test_offer_is_repeated_after_a_pause_where_the_other_is_left_out(providers: TwoProviders) -> None:
    prompt = failed_quickly(providers)
    prompt.selection.leave_out(1, "context too short")
    assert number_after_pauses(prompt) == 0
    assert prompt.waited_seconds == 0.25


def test_kept_offers_alone_are_attempted_and_the_others_dropped_with_the_reason(providers: TwoProviders) -> None:
    prompt = failed_quickly(providers)
    prompt.selection.keep_only({1}, "another dialect")
    assert prompt.attempts_until_the_end(ContextTooLong()) == ["b"]
    fresh = Prompt(providers, CHEAP, DEAR)
    fresh.selection.keep_only({1}, "another dialect")
    assert fresh.selection.drops == [Drop(A, "another dialect")]
    assert number_of_next(fresh) == 1


def test_kept_offer_is_repeated_before_a_dear_one_and_another_is_not(providers: TwoProviders) -> None:
    dearest = Quote(Offer("b", "other"), PRICE, 9 * 10**12)
    kept, left = (Prompt(providers, CHEAP, DEAR, dearest) for _ in range(2))
    for prompt, numbers in ((kept, {0, 2}), (left, {1, 2})):
        prompt.fail(prompt.next())
        providers.succeeds()
        prompt.selection.keep_only(numbers, "another dialect")
    assert [number_of_next(kept), number_of_next(left)] == [0, 1]


def early_first(providers: TwoProviders, expected_tokens: int = 0, *, free: bool = False) -> Selection:
    """Return the selection of a prompt that shall try the resting offer A early, and else B."""
    quotes = (CHEAP._replace(expected_tokens=expected_tokens, free=free), DEAR)
    early = EarlyQuote(quotes[0], 4e12, 0.0)

    def order(asked: Sequence[Quote]) -> Route:
        return Route(tuple(each for each in asked if each.offer == B), (), early=(early,))

    return Selection(providers.health, quotes, order)


def test_early_attempt_takes_its_tokens_from_the_quota(providers: TwoProviders) -> None:
    providers.health.succeeded(providers.permit(), 300, LimitHeaders(tokens_left=1000, tokens_reset_seconds=600))
    providers.fails(DOWN, 5)
    providers.clock.wait(4)
    choice = early_first(providers, 400).next(providers.clock.monotonic())
    assert isinstance(choice, NextAttempt)
    assert (choice.permit.offer, choice.permit.early) == (A, True)
    providers.health.first_token(choice.permit)
    assert providers.health.status(A).remaining_tokens <= 600


def test_early_attempt_that_is_denied_leaves_the_able_offer(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(4)
    selection = early_first(providers)
    providers.health.drain("a")
    choice = selection.next(providers.clock.monotonic())
    assert isinstance(choice, NextAttempt)
    assert choice.permit.offer == B


@pytest.mark.parametrize(("times", "offer"), [(2.1, B), (1.9, A2)])
def test_limit_is_exceeded_where_the_next_offer_is_dear_after_a_cheaper_one_has_failed(
    providers: TwoProviders, times: float, offer: Offer
) -> None:
    providers.succeeds(10, B)
    providers.health.failed(providers.permit(B), RateLimited(status=429, retry_after_seconds=0))
    providers.clock.wait(1)
    near, dear = Quote(B, PRICE, 10**12 + 1), Quote(A2, PRICE, int(times * 10**12))
    prompt = Prompt(providers, CHEAP, near, dear)
    prompt.fail(prompt.next(), StreamCut(), seconds=9, shown=True)
    again = prompt.next()
    assert again is not None
    assert again.permit.offer == offer


def refused_by_a_key(*quotes: Quote) -> Prompt:
    """Return a prompt whose first offer has refused one of two keys. The other key comes next."""
    prompt = Prompt(TwoProviders(keys=2), *quotes)
    prompt.fail(prompt.next(), RateLimited(retry_after_seconds=30))
    return prompt


def test_other_key_comes_next_until_its_offer_is_left_out() -> None:
    near = DEAR._replace(expected_atto=2 * 10**12)
    for left_out, number in ((1, 0), (0, 1)):
        prompt = refused_by_a_key(CHEAP, near)
        prompt.selection.leave_out(left_out, "context too short")
        assert number_of_next(prompt) == number


@pytest.mark.parametrize("kept", [0, 1])
def test_other_key_comes_next_if_its_offer_is_kept(kept: int) -> None:
    prompt = refused_by_a_key(CHEAP, DEAR._replace(expected_atto=2 * 10**12))
    prompt.selection.keep_only({kept}, "another dialect")
    assert number_of_next(prompt) == kept


@pytest.mark.parametrize("key", [0, 1])
@pytest.mark.parametrize("rests", [False, True])
def test_free_attempt_uses_the_key_with_free_requests(key: int, *, rests: bool) -> None:
    providers = TwoProviders(keys=2)
    providers.health.preferred_keys = lambda _: (key,)
    if rests:
        providers.fails(DOWN, 5)
    choice = Prompt(providers, CHEAP._replace(free=True)).next()
    assert choice is not None
    assert (choice.permit.key, choice.permit.early) == (key, rests)


@pytest.mark.parametrize("key", [0, 1])
def test_free_early_attempt_before_a_dear_offer_uses_the_key_with_free_requests(key: int) -> None:
    providers = TwoProviders(keys=2)
    providers.health.preferred_keys = lambda _: (key,)
    providers.fails(DOWN, 5)
    providers.clock.wait(4)
    choice = early_first(providers, free=True).next(providers.clock.monotonic())
    assert isinstance(choice, NextAttempt)
    assert (choice.permit.offer, choice.permit.key) == (A, key)


def test_limit_is_not_exceeded_where_the_offer_that_failed_was_hardly_cheaper(providers: TwoProviders) -> None:
    providers.succeeds(10, B)
    providers.health.failed(providers.permit(B), RateLimited(status=429, retry_after_seconds=0))
    providers.clock.wait(1)
    failed, over, able = CHEAP, Quote(B, PRICE, 5 * 10**11), Quote(A2, PRICE, int(1.2 * 10**12))
    prompt = Prompt(providers, failed, over, able)
    prompt.fail(prompt.next(), StreamCut(), seconds=9, shown=True)
    again = prompt.next()
    assert again is not None
    assert again.permit.offer == A2


def test_demand_is_counted_with_its_saving(providers: TwoProviders) -> None:
    providers.succeeds(20)
    providers.fails(RateLimited(retry_after_seconds=0))
    Prompt(providers, CHEAP, DEAR).next()
    ((_, saving_atto),) = providers.health._providers["a"].offers["m"].demand._savings
    assert saving_atto == DEAR.plan_atto - CHEAP.plan_atto


@pytest.mark.parametrize(("has_failed", "earned"), [(False, 4.1), (True, 0)])
def test_early_attempt_earns_a_tenth_of_a_retry_unless_its_offer_has_failed_for_this_prompt(
    providers: TwoProviders, earned: float, *, has_failed: bool
) -> None:
    spend_retries(providers)
    providers.fails(DOWN, 5)
    providers.clock.wait(0.4 if has_failed else 4)  # it waits for two seconds where its offer has failed
    selection, budget = early_first(providers), providers.health._providers["a"].budget
    if has_failed:
        selection.begin(0)
    before = budget._left
    while isinstance(choice := selection.next(providers.clock.monotonic()), Pause):
        providers.clock.wait(choice.seconds)
    assert isinstance(choice, NextAttempt)
    assert choice.permit.early is (budget._left - before == pytest.approx(earned))
