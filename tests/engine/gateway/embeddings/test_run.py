"""Tests of embeddings: attempts of one model's offers, the hold, the charge, and the records of the journal."""

import asyncio
from dataclasses import replace
from fractions import Fraction
from typing import cast

import pytest

from engine.attempt_record import AttemptRecord
from engine.catalog.embedding_models import PER_INPUT_TOKENS
from engine.catalog.offers import Model, Offer, flat_price
from engine.chat import ChatRequest, Role, Usage, says
from engine.embeddings import EmbeddingCall, Embeddings
from engine.errors import (
    BadRequest,
    Closing,
    ContextTooLong,
    InsufficientFunds,
    KeyRefused,
    ModelNotInPlan,
    ModelNotPriced,
    NoProvider,
    NoSuchModel,
    NotForEmbeddings,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
    SpendingCapReached,
    TooManyRequests,
    UnknownModel,
)
from engine.gateway.gateway import Gateway
from engine.money import ZERO, Money
from engine.ports import Ledger
from engine.routing.health import Permit
from engine.tenancy import Flat, Markup
from tests.engine.gateway.embeddings.scripts import MODEL, PRICE, CapReached, Embedding, ScriptedEmbedder
from tests.engine.scripted import TENANT


async def test_vectors_are_kept_and_charged_by_the_reported_tokens() -> None:
    one = ScriptedEmbedder("a", tokens=7)
    embedding = Embedding(one)
    vectors, _ = await embedding("hello", "you", dimensions=1, as_floats=True, key_id=3)
    assert vectors == [[0.0], [1.0]]
    assert one.calls == [EmbeddingCall(MODEL, ("hello", "you"), 1, True, 0)]
    record, bill = embedding.record, embedding.ledger.held.bill  # type: ignore[union-attr]
    assert (record.kept, record.outcome, record.usage) == (True, "answered", Usage(7, 0))
    assert (record.cost, record.waste, record.key_id, record.asked) == (Money(14_000), ZERO, 3, MODEL)
    assert bill is not None
    assert (bill.tokens, bill.cost_atto, bill.receipt) == (7, 14 * 10**12, None)
    assert [each.usage for each in embedding.kept] == [Usage(7, 0)]


async def test_hold_names_the_request_its_key_and_the_limits_of_the_plan() -> None:
    embedding = Embedding(ScriptedEmbedder("a"))
    tenant = replace(TENANT, id=TENANT.id + 1, plan=replace(TENANT.plan, answers_per_day=3))
    await embedding("hello", tenant=tenant, epoch=7, key_id=5)
    asked = embedding.ledger.hold_request
    assert asked is not None
    assert (asked.request_id, asked.epoch, asked.tenant_id, asked.key_id) == ("r", 7, tenant.id, 5)
    assert (asked.answers_per_day, asked.n) == (3, 1)
    assert [(ceiling.output_atto, ceiling.output_tokens) for ceiling in asked.ceilings] == [(0, 1)]
    assert embedding.record.tenant_id == tenant.id


async def test_hold_is_for_the_bytes_at_the_highest_price_of_the_route() -> None:
    prices = {f"a/{MODEL}": flat_price("1", "9"), f"b/{MODEL}": flat_price("3", "9")}
    embedding = Embedding(ScriptedEmbedder("a"), ScriptedEmbedder("b"), prices=prices)
    await embedding("héllo", (1, 2, 3))
    asked = embedding.ledger.hold_request
    assert asked is not None
    tokens = 6 + PER_INPUT_TOKENS + 3 + PER_INPUT_TOKENS
    assert (asked.input_tokens, asked.tariff) == (tokens, Markup(Fraction("1.5")))
    assert [(each.input_atto, each.output_atto) for each in asked.ceilings] == [(10**12, 0), (3 * 10**12, 0)]
    assert embedding.ledger.held is not None
    assert embedding.ledger.held.grant.wallet == Money.ceil_atto(tokens * 3 * 10**12, Fraction("1.5"))


async def test_wallet_that_does_not_cover_the_hold_is_refused_before_any_call() -> None:
    one = ScriptedEmbedder("a")
    with pytest.raises(InsufficientFunds):
        await Embedding(one, wallet=Money(10))("hello")
    assert one.calls == []


async def test_offer_that_the_wallet_does_not_cover_is_left_out() -> None:
    prices = {f"a/{MODEL}": flat_price("1000", "0"), f"b/{MODEL}": PRICE}
    dear = ScriptedEmbedder("a")
    embedding = Embedding(dear, ScriptedEmbedder("b", Overloaded()), prices=prices, wallet=Money(100_000))
    await embedding("hello")
    assert dear.calls == []


async def test_next_provider_of_the_same_model_is_asked_after_a_failure() -> None:
    down, up = ScriptedEmbedder("a", Overloaded("503", status=503)), ScriptedEmbedder("b")
    embedding = Embedding(down, up)
    vectors, _ = await embedding("hello")
    assert vectors == [[0.0]]
    assert embedding.outcomes() == [("a", "overloaded")]
    assert (embedding.record.provider, embedding.record.ordinal) == ("b", 2)
    failed = embedding.journal.records[0]
    assert (failed.status, failed.detail, failed.cost, failed.usage) == (503, "503", ZERO, None)


async def test_each_attempt_is_observed_once() -> None:
    embedding, seen = Embedding(ScriptedEmbedder("a", Overloaded()), ScriptedEmbedder("b")), list[tuple[str, str]]()

    class Observer:
        def attempt_ended(self, attempt: AttemptRecord, finishes: tuple[str, ...], operation: str, /) -> None:
            assert finishes == ()
            seen.append((attempt.outcome, operation))

    embedding.market = replace(embedding.market, observers=(Observer(),))
    embedding.gateway = Gateway(embedding.market, cast("Ledger", embedding.ledger))
    await embedding("hello")
    assert seen == [("overloaded", "embeddings"), ("answered", "embeddings")]


@pytest.mark.parametrize("error", [RateLimited(retry_after_seconds=9), KeyRefused()])
async def test_next_key_is_asked_after_a_refused_one(error: ProviderError) -> None:
    one = ScriptedEmbedder("a", error, keys=2)
    await Embedding(one)("hello")
    assert [call.key for call in one.calls] == [0, 1]


async def test_cheapest_offer_of_the_model_comes_first() -> None:
    prices = {f"a/{MODEL}": flat_price("3", "0"), f"b/{MODEL}": flat_price("1", "0")}
    dear, cheap = ScriptedEmbedder("a"), ScriptedEmbedder("b")
    await Embedding(dear, cheap, prices=prices)("hello")
    assert (len(dear.calls), len(cheap.calls)) == (0, 1)


async def test_only_offer_is_repeated_after_a_quick_failure() -> None:
    one = ScriptedEmbedder("a", Overloaded())
    embedding = Embedding(one)
    await embedding("hello")
    assert len(one.calls) == 2
    assert embedding.record.ordinal == 2


async def test_second_refusal_of_the_request_ends_it() -> None:
    fault = RequestFault("what you sent")
    one, two, three = (ScriptedEmbedder(name, fault) for name in "abc")
    embedding = Embedding(one, two, three)
    with pytest.raises(RequestRejected, match="refuses it as invalid"):
        await embedding("hello")
    assert [len(each.calls) for each in (one, two, three)] == [1, 1, 0]
    assert embedding.ledger.held is not None
    assert embedding.ledger.held.voided


async def test_refusal_by_one_provider_is_asked_of_another() -> None:
    embedding = Embedding(ScriptedEmbedder("a", RequestFault()), ScriptedEmbedder("b"))
    await embedding("hello")
    assert embedding.record.provider == "b"


@pytest.mark.parametrize("error", [RequestFault(), ContextTooLong(), RequestFault(moderation=True)])
async def test_refusal_by_the_only_provider_is_final(error: ProviderError) -> None:
    one = ScriptedEmbedder("a", error)
    with pytest.raises(RequestRejected):
        await Embedding(one)("hello")
    assert len(one.calls) == 1


async def test_moderation_is_asked_of_no_other_provider() -> None:
    other = ScriptedEmbedder("b")
    with pytest.raises(RequestRejected):
        await Embedding(ScriptedEmbedder("a", RequestFault(moderation=True)), other)("hello")
    assert other.calls == []


async def test_failure_of_every_provider_is_journaled_as_unanswered() -> None:
    embedding = Embedding(*(ScriptedEmbedder(name, *[Overloaded()] * 9) for name in "ab"))
    with pytest.raises(NoProvider) as failed:
        await embedding("hello")
    assert failed.value.tried[:2] == ("a: overloaded", "b: overloaded")
    assert embedding.outcomes()[-1] == ("none", "no_provider")
    assert embedding.ledger.held is not None
    assert embedding.ledger.held.voided
    assert embedding.kept == []


async def test_model_that_no_provider_has_is_unknown() -> None:
    with pytest.raises(UnknownModel):
        await Embedding(ScriptedEmbedder("a", NoSuchModel()), ScriptedEmbedder("b", NoSuchModel()))("hello")


async def test_caller_that_is_cancelled_waits_for_the_capture() -> None:
    begun = asyncio.Event()
    embedding = Embedding(ScriptedEmbedder("a", begun))
    task = asyncio.create_task(embedding("hello"))
    while not embedding.market.providers["a"].calls:  # type: ignore[attr-defined]
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    begun.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert embedding.record.kept


async def test_closing_waits_and_then_voids_what_is_left() -> None:
    embedding = Embedding(ScriptedEmbedder("a", asyncio.Event()))
    task = asyncio.create_task(embedding("hello"))
    while not embedding.gateway.in_flight:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    await embedding.gateway.close(0)
    with pytest.raises(Closing):
        await task
    assert embedding.outcomes() == [("a", "closing")]
    assert embedding.ledger.held is not None
    assert embedding.ledger.held.voided
    assert isinstance(embedding.market.health.admit(Offer("a", MODEL)), Permit)
    with pytest.raises(Closing):
        await embedding("hello")


async def test_error_of_ours_releases_the_permit_and_the_hold() -> None:
    embedding = Embedding(ScriptedEmbedder("a", cast("Embeddings", None)))
    with pytest.raises(AttributeError):
        await embedding("hello")
    assert embedding.ledger.held is not None
    assert embedding.ledger.held.voided
    assert embedding.gateway.in_flight == 0


async def test_request_counts_towards_the_same_minute_as_prompts() -> None:
    embedding = Embedding(ScriptedEmbedder("a"))
    tenant = replace(TENANT, plan=replace(TENANT.plan, requests_per_minute=1))
    await embedding("hello", tenant=tenant)
    with pytest.raises(TooManyRequests):
        await embedding("hello", tenant=tenant)


async def test_plan_and_operator_limits_hold_for_embeddings_too() -> None:
    one = ScriptedEmbedder("a")
    with pytest.raises(ModelNotInPlan):
        await Embedding(one)("hello", tenant=replace(TENANT, plan=replace(TENANT.plan, models=("auto",))))
    with pytest.raises(SpendingCapReached):
        await Embedding(one, checks=(CapReached(),))("hello")
    assert one.calls == []


async def test_model_and_dimensions_are_checked_first() -> None:
    embedding = Embedding(ScriptedEmbedder("a"), models={"auto": Model("auto", (Offer("a", "gpt-4o"),), Flat(1))})
    for model, error in (("auto", NotForEmbeddings), ("nothing", UnknownModel), ("a/embed-x", ModelNotPriced)):
        with pytest.raises(error):
            await embedding("hello", model=model)
    with pytest.raises(BadRequest):
        await embedding("hello", dimensions=1537)
    other = Embedding(ScriptedEmbedder("a"), prices={"a/bge-m3": PRICE})
    with pytest.raises(RequestRejected, match="token lists"):
        await other((1, 2), model="a/bge-m3")


async def test_every_provider_at_rest_is_journaled_and_answered_with_a_wait() -> None:
    embedding = Embedding(ScriptedEmbedder("a"))
    embedding.market.health.drain("a")
    with pytest.raises(NoProvider):
        await embedding("hello")
    assert embedding.outcomes() == [("none", "no_provider")]


async def test_flat_price_of_a_configured_model_is_paid_by_the_token() -> None:
    models = {"embed": Model("embed", (Offer("a", MODEL),), Flat(10**12))}
    embedding = Embedding(ScriptedEmbedder("a"), models=models)
    await embedding("hello", model="embed")
    asked = embedding.ledger.hold_request
    assert asked is not None
    assert asked.tariff == Flat(10**12)
    assert embedding.record.asked == "embed"


async def test_chat_with_the_same_gateway_refuses_the_model() -> None:
    request = ChatRequest("r", MODEL, (says(Role.USER, "hi"),))
    with pytest.raises(Exception, match="answers no prompt"):
        async with Embedding(ScriptedEmbedder("a")).gateway.answer(TENANT, request):
            pass
