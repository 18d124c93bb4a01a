"""Failover: the next offer is planned before each attempt, and outcomes teach the catalog."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.catalog.offers import Offer
from engine.catalog.token_counts import measure
from engine.chat import ChatRequest, Role, says
from engine.errors import AnswerCut, ContextTooLong, Garbled, NoProvider, RateLimited, StreamCut
from engine.gateway.answer import Answer
from engine.holds import Grant
from engine.money import Money
from engine.routing.plan import Route
from tests.engine.scripted import AnswerSetup, ScriptedHold, ScriptedProvider, deltas, whole
from tests.engine.two_providers import DOWN


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


async def test_answer_teaches_the_catalog_its_token_sizes() -> None:
    prompt = "tell me something of the sea " * 9
    size = measure(ChatRequest("r", "auto", (says(Role.USER, prompt),)))
    setup = AnswerSetup(ScriptedProvider("a", whole("one two three four", tokens=(2 * size.tokens, 40))))
    answer, _ = setup.answer(prompt)
    await answer.whole()
    catalog = setup.market.catalog
    assert catalog.sizes.output_times(catalog.sizes.of(Offer("a", "m"))) > 1
    assert catalog.sizes.answer_tokens("auto", 7) < 240
    assert catalog.sizes.input_tokens(catalog.sizes.of(Offer("a", "m")), size)[0] == 2 * size.tokens


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
