"""Attempts at the same provider again: other offers, other keys, and repeats of one offer."""

from typing import cast

import pytest

from engine.catalog.offers import Offer, Quote
from engine.errors import KeyRefused, NoProvider, ProviderError, RateLimited
from engine.routing.permits import Permit
from engine.routing.plan import Route
from tests.engine.scripted import PRICE, AnswerSetup, ScriptedProvider, whole
from tests.engine.two_providers import DOWN


async def test_second_offer_of_a_failed_provider_needs_no_retry_budget() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN], whole("from the other")))
    setup.route = Route((*setup.route.quotes, Quote(Offer("a", "other"), PRICE, 2)), ())
    while isinstance(setup.market.health.admit(Offer("a", "m"), repeat=True), Permit):
        pass
    answer, _ = setup.answer()
    completion = await answer.whole()
    assert completion is not None
    assert completion.model == "other"


async def test_only_offer_is_attempted_five_times_with_growing_pauses() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN]))
    clock = setup.market.clock
    setup.market.health.succeeded(cast("Permit", setup.market.health.admit(Offer("a", "m"))), 100)
    answer, hold = setup.answer()
    with pytest.raises(NoProvider):
        await answer.whole()
    begun = [
        (record.started_at - setup.journal.records[0].started_at).total_seconds() for record in setup.journal.records
    ]
    assert begun == [0, 0.25, 0.75, 1.75, 3.75, 3.75]
    assert clock.monotonic() == pytest.approx(1003.75)
    assert hold.voided


async def test_only_offer_that_fails_once_answers_at_its_second_attempt() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN], whole("at last")))
    answer, hold = setup.answer()
    assert await answer.whole() is not None
    assert hold.bill is not None
    assert len(setup.providers[0].calls) == 2


async def test_cheap_offer_is_repeated_once_where_the_next_costs_over_three_times_as_much() -> None:
    for cost_of_next, answered_by in ((3, "dear"), (4, "cheap")):
        setup = AnswerSetup(ScriptedProvider("cheap", [DOWN], whole("a")), ScriptedProvider("dear", whole("b")))
        cheap, dear = setup.route.quotes
        setup.route = Route(
            (cheap._replace(expected_atto=10**15), dear._replace(expected_atto=cost_of_next * 10**15)), ()
        )
        answer, _ = setup.answer()
        completion = await answer.whole()
        assert completion is not None
        assert completion.provider == answered_by


async def test_cheap_offer_is_repeated_only_once_before_the_next() -> None:
    setup = AnswerSetup(ScriptedProvider("cheap", [DOWN]), ScriptedProvider("dear", whole("b")))
    cheap, dear = setup.route.quotes
    setup.route = Route((cheap._replace(expected_atto=10**15), dear._replace(expected_atto=9 * 10**15)), ())
    answer, _ = setup.answer()
    assert await answer.whole() is not None
    assert [len(provider.calls) for provider in setup.providers] == [2, 1]


@pytest.mark.parametrize(
    ("error", "keys"),
    [
        (RateLimited("x"), [0, 1]),
        (RateLimited("x", retry_after_seconds=0), [0, 1]),
        (KeyRefused("x"), [0, 1]),
        (DOWN, [0]),
    ],
)
async def test_other_keys_are_tried_only_where_the_key_was_at_fault(error: ProviderError, keys: list[int]) -> None:
    first = ScriptedProvider("a", [error])
    setup = AnswerSetup(first, ScriptedProvider("b", whole("b says")), keys=2)
    answer, _ = setup.answer()
    await answer.whole()
    assert sorted(call.key for call in first.calls) == keys
    assert answer.offer == Offer("b", "m")
