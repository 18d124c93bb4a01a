"""Failover: the next offer is planned before each attempt, and outcomes teach the catalog."""

from datetime import timedelta

import pytest

from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.catalog.offers import Offer, Quote
from engine.catalog.token_counts import measure
from engine.chat import ChatRequest, Role, says
from engine.errors import NoProvider, Overloaded, RateLimited
from engine.routing.plan import Route
from tests.engine.scripted import PRICE, AnswerSetup, ScriptedProvider, whole

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


async def test_second_offer_of_a_failed_provider_needs_its_retry_budget() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN], whole("again")))
    other = Quote(Offer("a", "other"), PRICE, 2)
    setup.route = Route((*setup.route.quotes, other), ())
    while setup.market.health.admit(Offer("a", "m"), repeat=True).__class__.__name__ == "Permit":
        pass
    answer, hold = setup.answer()
    with pytest.raises(NoProvider, match="a: overloaded"):
        await answer.whole()
    assert hold.bill is None
    assert [drop.reason for drop in answer.receipt.drops] == ["its retry budget is used up"]


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
