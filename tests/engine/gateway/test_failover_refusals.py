"""Requests that a provider refuses: the offers that are still attempted, and the rejection."""

import pytest

from engine.catalog.offers import Offer, Quote
from engine.errors import (
    CapabilityMissing,
    ContextTooLong,
    NoProvider,
    ProviderError,
    RequestFault,
    RequestRejected,
    TooBigForNow,
)
from engine.routing.permits import Permit
from engine.routing.plan import Route
from tests.engine.scripted import PRICE, AnswerSetup, ScriptedProvider, whole
from tests.engine.two_providers import DOWN


@pytest.mark.parametrize(("context_tokens", "asked"), [(None, True), (1001, True), (1000, False), (999, False)])
async def test_only_a_longer_context_is_attempted_after_one_that_was_too_short(
    context_tokens: int | None, asked: bool
) -> None:
    second = ScriptedProvider("b", whole("b says"))
    short = ScriptedProvider("a", [ContextTooLong("x", context_tokens=1000)])
    setup = AnswerSetup(short, second, ScriptedProvider("c", whole("c says")))
    first, other, last = setup.route.quotes
    setup.route = Route((first, other._replace(context_tokens=context_tokens), last), ())
    answer, _ = setup.answer()
    completion = await answer.whole()
    assert completion is not None
    assert completion.provider == ("b" if asked else "c")
    assert bool(second.calls) is asked
    assert [drop.reason for drop in answer.receipt.drops] == ([] if asked else ["context too short"])


async def test_context_of_unknown_length_that_was_too_short_excludes_no_other() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [ContextTooLong("x")]), ScriptedProvider("b", whole("b says")))
    first, other = setup.route.quotes
    setup.route = Route((first, other._replace(context_tokens=1)), ())
    answer, _ = setup.answer()
    await answer.whole()
    assert answer.offer == Offer("b", "m")


async def test_longest_context_that_was_too_short_counts() -> None:
    errors = [ContextTooLong("x", context_tokens=tokens) for tokens in (500, 2000)]
    last = ScriptedProvider("c", whole("c says"))
    setup = AnswerSetup(ScriptedProvider("a", [errors[0]]), ScriptedProvider("b", [errors[1]]), last)
    first, other, third = setup.route.quotes
    setup.route = Route((first, other, third._replace(context_tokens=1000)), ())
    answer, _ = setup.answer()
    with pytest.raises(RequestRejected):
        await answer.whole()
    assert not last.calls


@pytest.mark.parametrize("error", [ContextTooLong("x"), CapabilityMissing("x"), TooBigForNow("x")])
async def test_request_that_no_offer_can_take_is_rejected(error: ProviderError) -> None:
    setup = AnswerSetup(ScriptedProvider("a", [error]), ScriptedProvider("b", [CapabilityMissing("no tools")]))
    answer, hold = setup.answer()
    with pytest.raises(RequestRejected) as rejected:
        await answer.whole()
    assert (rejected.value.provider, rejected.value.reason) == ("b", "no model here can take it: no tools")
    assert hold.voided


async def test_one_failure_of_a_provider_among_them_is_no_rejection() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [CapabilityMissing("x")]), ScriptedProvider("b", [DOWN]))
    answer, _ = setup.answer()
    with pytest.raises(NoProvider) as failed:
        await answer.whole()
    assert failed.value.tried[:2] == ("a: unable", "b: overloaded")


async def test_refused_prompt_is_rejected_with_its_moderation() -> None:
    fault = RequestFault("no", moderation=True)
    fault.code = "invalid_prompt"
    other = ScriptedProvider("b", whole("unasked"), dialect="gemini")
    setup = AnswerSetup(ScriptedProvider("a", [fault]), other)
    answer, hold = setup.answer()
    with pytest.raises(RequestRejected) as rejected:
        await answer.whole()
    assert (rejected.value.moderation, rejected.value.code) == (True, "invalid_prompt")
    assert rejected.value.reason == "the provider refuses its content (invalid_prompt)"
    assert (hold.voided, other.calls) == (True, [])


async def test_refused_request_is_tried_on_one_offer_of_another_dialect() -> None:
    alike, foreign = ScriptedProvider("b", whole("b says")), ScriptedProvider("c", whole("c says"), dialect="gemini")
    setup = AnswerSetup(ScriptedProvider("a", [RequestFault("bad")]), alike, foreign)
    answer, hold = setup.answer()
    assert await answer.whole() is not None
    assert (answer.offer, alike.calls) == (Offer("c", "m"), [])
    assert [(drop.provider, drop.reason) for drop in answer.receipt.drops] == [("b", "a refused the request")]
    assert hold.bill is not None


async def test_refused_request_is_tried_on_another_provider_where_no_other_dialect_is_usable() -> None:
    resting = ScriptedProvider("b", whole("b says"), dialect="gemini")
    setup = AnswerSetup(ScriptedProvider("a", [RequestFault("bad")]), resting, ScriptedProvider("c", whole("c says")))
    setup.market.health.drain("b")
    answer, _ = setup.answer()
    await answer.whole()
    assert (answer.offer, resting.calls) == (Offer("c", "m"), [])


async def test_second_refusal_of_a_request_ends_it() -> None:
    third = ScriptedProvider("c", whole("unasked"), dialect="gemini")
    setup = AnswerSetup(
        ScriptedProvider("a", [RequestFault("secret words")]),
        ScriptedProvider("b", [RequestFault("secret words")], dialect="anthropic"),
        third,
    )
    answer, hold = setup.answer()
    with pytest.raises(RequestRejected) as rejected:
        await answer.whole()
    assert (rejected.value.provider, rejected.value.reason) == ("b", "the provider refuses it as invalid")
    assert (hold.voided, third.calls) == (True, [])
    assert setup.journal.outcomes() == [("a", "bad_request"), ("b", "bad_request")]


async def test_another_model_of_the_same_provider_is_not_asked_after_a_refusal() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [RequestFault("bad")], whole("from the other")))
    setup.route = Route((*setup.route.quotes, Quote(Offer("a", "other"), PRICE, 2)), ())
    answer, _ = setup.answer()
    with pytest.raises(RequestRejected):
        await answer.whole()
    assert len(setup.providers[0].calls) == 1


async def test_refused_request_goes_on_where_the_other_offer_is_only_down() -> None:
    setup = AnswerSetup(
        ScriptedProvider("a", [RequestFault("bad")]),
        ScriptedProvider("b", [DOWN], dialect="gemini"),
        ScriptedProvider("c", whole("c says"), dialect="gemini"),
    )
    answer, _ = setup.answer()
    await answer.whole()
    assert answer.offer == Offer("c", "m")


async def test_resting_offer_is_no_other_one_to_try_a_refused_request_on() -> None:
    resting = ScriptedProvider("b", whole("b says"), dialect="gemini")
    setup = AnswerSetup(ScriptedProvider("a", [RequestFault("bad")]), resting)
    for _ in range(5):
        permit = setup.market.health.admit(Offer("b", "m"))
        assert isinstance(permit, Permit)
        setup.market.health.failed(permit, DOWN)
    answer, hold = setup.answer()
    with pytest.raises(RequestRejected):
        await answer.whole()
    assert (hold.voided, resting.calls) == (True, [])
