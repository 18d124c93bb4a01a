"""Failover: the next offer is planned before each attempt, and outcomes teach the catalog."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.catalog.offers import Offer, Quote
from engine.catalog.token_counts import measure
from engine.chat import ChatRequest, Role, says
from engine.errors import (
    AnswerCut,
    CapabilityMissing,
    ContextTooLong,
    Garbled,
    KeyRefused,
    NoProvider,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
    StreamCut,
    TooBigForNow,
)
from engine.gateway.answer import Answer
from engine.holds import Grant
from engine.money import Money
from engine.routing.permits import Permit
from engine.routing.plan import Route
from tests.engine.scripted import PRICE, AnswerSetup, ScriptedHold, ScriptedProvider, deltas, whole

DOWN = Overloaded("503", status=503)


async def test_provider_that_went_down_since_the_plan_is_skipped() -> None:
    first, second, third = (
        ScriptedProvider("a", [DOWN]),
        ScriptedProvider("b", whole("b says")),
        ScriptedProvider("c", whole("c says")),
    )
    setup = AnswerSetup(first, second, third)
    answer, _ = setup.answer()
    setup.market.health.drain("b")
    assert (await answer.whole()).text == "c says "  # type: ignore[union-attr]
    assert not second.calls


async def test_order_follows_the_health_learned_since_the_plan() -> None:
    flaky, sound = ScriptedProvider("b", whole("b says")), ScriptedProvider("c", whole("c says"))
    setup = AnswerSetup(ScriptedProvider("a", [DOWN]), flaky, sound)
    answer, _ = setup.answer()
    permit = setup.market.health.admit(Offer("b", "m"))
    setup.market.health.failed(permit, DOWN)  # type: ignore[arg-type]
    assert (await answer.whole()).text == "c says "  # type: ignore[union-attr]


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


async def test_answer_teaches_the_catalog_its_token_sizes() -> None:
    prompt = "tell me something of the sea " * 9
    size = measure(ChatRequest("r", "auto", (says(Role.USER, prompt),)))
    setup = AnswerSetup(ScriptedProvider("a", whole("one two three four", tokens=(2 * size.tokens, 40))))
    answer, _ = setup.answer(prompt)
    await answer.whole()
    catalog = setup.market.catalog
    assert catalog.sizes.output_times(Offer("a", "m")) > 1
    assert catalog.sizes.answer_tokens("auto", 7) < 240
    assert catalog.sizes.input_tokens(Offer("a", "m"), size)[0] == 2 * size.tokens


async def test_attempt_at_a_free_price_is_counted_and_a_refusal_closes_the_tier() -> None:
    setup = AnswerSetup(
        ScriptedProvider("a", [RateLimited(retry_after_seconds=30)]), ScriptedProvider("b", whole("b says"))
    )
    offer, now = Offer("a", "m"), setup.market.clock.now()
    setup.market.catalog.free = FreeTiers({offer: FreeTierLimits(5, 5)})
    setup.route = Route((setup.route.quotes[0]._replace(free=True), setup.route.quotes[1]), ())
    answer, _ = setup.answer()
    await answer.whole()
    free = setup.market.catalog.free
    assert not free.is_open(offer, now)
    left = free.left(offer, now + timedelta(seconds=31))
    assert left is not None
    assert left.today == 4


async def test_first_token_is_reported_to_health() -> None:
    setup = AnswerSetup(ScriptedProvider("a", whole("words come")))
    for _ in range(20):
        permit = setup.market.health.admit(Offer("a", "m"))
        setup.market.health.succeeded(permit, 100)  # type: ignore[arg-type]
    for _ in range(3):
        setup.market.health.admit(Offer("a", "m"))
    setup.market.clock.wait(30)  # type: ignore[attr-defined]
    assert setup.market.health.status(Offer("a", "m")).failure_chance > 0.5
    answer, _ = setup.answer()
    await answer.whole()
    assert setup.market.health.status(Offer("a", "m")).failure_chance == 0


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


async def test_answer_that_no_other_offer_can_restart_is_cut() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [*deltas("half"), StreamCut("x")]), ScriptedProvider("b", [DOWN]))
    answer, hold = setup.answer()
    with pytest.raises(AnswerCut) as cut:
        await answer.whole()
    assert (cut.value.provider, cut.value.outcome) == ("b", "overloaded")
    assert hold.voided


async def test_quote_over_the_hold_is_dropped_with_a_reason() -> None:
    dear = ScriptedProvider("a", whole("a says"))
    setup = AnswerSetup(dear, ScriptedProvider("b", whole("b says")))
    answer, _ = setup.answer(output=(0, 1))
    await answer.whole()
    assert (answer.offer, dear.calls) == (Offer("b", "m"), [])
    assert [(drop.provider, drop.reason) for drop in answer.receipt.drops] == [("a", "costs more than the funds left")]
    assert setup.providers[1].calls[0].output_tokens == 1


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


async def test_attempts_are_numbered_from_one() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN]), ScriptedProvider("b", [Garbled("x")]))
    answer, _ = setup.answer()
    with pytest.raises(NoProvider):
        await answer.whole()
    assert [record.ordinal for record in setup.journal.records] == list(range(1, len(setup.journal.records) + 1))


async def test_error_that_is_no_providers_ends_the_answer_uncharged() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [KeyError("x")]), ScriptedProvider("b", whole("unasked")))
    answer, hold = setup.answer()
    with pytest.raises(KeyError):
        await answer.whole()
    assert (hold.voided, setup.providers[1].calls) == (True, [])


async def test_failures_and_successes_are_reported_to_health() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN], whole("again")), ScriptedProvider("b", whole("b says")))
    for failures in (1, 0):
        answer, _ = setup.answer()
        await answer.whole()
        assert setup.market.health.state("a").failures == failures
        setup.route = Route(setup.route.quotes[:1], ())


async def test_prompt_of_a_conversation_is_remembered_as_cached() -> None:
    setup = AnswerSetup(ScriptedProvider("deepseek", whole("words", tokens=(4000, 5))))
    question = setup.question("tell me something " * 1000)
    question = replace(question, request=replace(question.request, conversation="c"))
    await Answer(setup.market, question, ScriptedHold(Grant(0, Money(10**9), 1000, (100,)))).whole()
    now = setup.market.clock.now().timestamp()
    assert setup.market.catalog.prefixes.cached_tokens(question.request, Offer("deepseek", "m"), now) == 3600


async def test_context_is_learned_only_where_the_provider_classified_the_refusal() -> None:
    for is_certain in (True, False):
        short = ScriptedProvider("a", [ContextTooLong("x", context_tokens=1000, is_certain=is_certain)])
        setup = AnswerSetup(short, ScriptedProvider("b", whole("b says")))
        answer, _ = setup.answer()
        await answer.whole()
        catalog, now = setup.market.catalog, setup.market.clock.now()
        assert catalog.context_tokens(Offer("a", "m"), now) == (1000 if is_certain else None)
        assert catalog.context_tokens(Offer("b", "m"), now) is None


async def test_rate_limit_at_a_paid_price_closes_no_free_tier() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [RateLimited("x")]), ScriptedProvider("b", whole("b says")))
    offer, now = Offer("a", "m"), setup.market.clock.now()
    free = setup.market.catalog.free = FreeTiers({offer: FreeTierLimits(5, 5)})
    before = free.left(offer, now)
    answer, _ = setup.answer()
    await answer.whole()
    assert free.left(offer, now) == before
    assert before is not None
