"""The walk asks the planner anew before each try, and what it sees teaches the catalogue."""

from datetime import timedelta

import pytest

from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.catalog.offers import Offer, Quote
from engine.catalog.token_counts import measure
from engine.chat import ChatRequest, Role, says
from engine.errors import NoProvider, Overloaded, RateLimited
from engine.routing.plan import Route
from tests.engine.scripted import PRICE, Scripted, Stage, whole

DOWN = Overloaded("503", status=503)


async def test_a_provider_that_went_out_meanwhile_is_left_out_of_the_route() -> None:
    first, second, third = (Scripted("a", [DOWN]), Scripted("b", whole("b says")), Scripted("c", whole("c says")))
    stage = Stage(first, second, third)
    answer, _ = stage.answer()
    stage.market.health.drain("b")
    assert (await answer.whole()).text == "c says "  # type: ignore[union-attr]
    assert not second.calls


async def test_the_order_follows_what_was_learned_since_the_plan() -> None:
    flaky, sound = Scripted("b", whole("b says")), Scripted("c", whole("c says"))
    stage = Stage(Scripted("a", [DOWN]), flaky, sound)
    answer, _ = stage.answer()
    permit = stage.market.health.admit(Offer("b", "m"))
    stage.market.health.failed(permit, DOWN)  # type: ignore[arg-type]
    assert (await answer.whole()).text == "c says "  # type: ignore[union-attr]


async def test_a_second_offer_of_a_provider_that_failed_needs_its_retry_budget() -> None:
    stage = Stage(Scripted("a", [DOWN], whole("again")))
    other = Quote(Offer("a", "other"), PRICE, 2)
    stage._route = Route((*stage._route.quotes, other), ())
    while stage.market.health.admit(Offer("a", "m"), repeat=True).__class__.__name__ == "Permit":
        pass
    answer, held = stage.answer()
    with pytest.raises(NoProvider, match="a: overloaded"):
        await answer.whole()
    assert held.bill is None
    assert [drop.reason for drop in answer.receipt.drops] == ["its retry budget is used up"]


async def test_an_answer_teaches_how_long_answers_are_and_what_a_prompt_counts() -> None:
    prompt = "tell me something of the sea " * 9
    size = measure(ChatRequest("r", "auto", (says(Role.USER, prompt),)))
    stage = Stage(Scripted("a", whole("one two three four", tokens=(2 * size.tokens, 40))))
    answer, _ = stage.answer(prompt)
    await answer.whole()
    catalog = stage.market.catalog
    assert catalog.sizes.output_times(Offer("a", "m")) > 1
    assert catalog.sizes.answer_tokens("auto", 7) < 240
    assert catalog.sizes.input_tokens(Offer("a", "m"), size)[0] == 2 * size.tokens


async def test_a_try_at_a_free_price_is_counted_and_a_refusal_shuts_the_tier() -> None:
    stage = Stage(Scripted("a", [RateLimited(retry_after_seconds=30)]), Scripted("b", whole("b says")))
    offer, now = Offer("a", "m"), stage.market.clock.now()
    stage.market.catalog.free = FreeTiers({offer: FreeTierLimits(5, 5)})
    stage._route = Route((stage._route.quotes[0]._replace(free=True), stage._route.quotes[1]), ())
    answer, _ = stage.answer()
    await answer.whole()
    free = stage.market.catalog.free
    assert not free.is_open(offer, now)
    left = free.left(offer, now + timedelta(seconds=31))
    assert left is not None
    assert left.today == 4


async def test_a_first_word_tells_health_that_the_provider_lives() -> None:
    stage = Stage(Scripted("a", whole("words come")))
    for _ in range(20):
        permit = stage.market.health.admit(Offer("a", "m"))
        stage.market.health.succeeded(permit, 100)  # type: ignore[arg-type]
    for _ in range(3):
        stage.market.health.admit(Offer("a", "m"))
    stage.market.clock.wait(30)  # type: ignore[attr-defined]
    assert stage.market.health.status(Offer("a", "m")).failure_chance > 0.5
    answer, _ = stage.answer()
    await answer.whole()
    assert stage.market.health.status(Offer("a", "m")).failure_chance == 0
