"""Tests of embeddings: attempts of one model's offers, the hold, the charge, and the records of the journal."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest

from engine.attempt_record import AttemptRecord
from engine.catalog.catalog import Catalog
from engine.catalog.embedding_models import PER_INPUT_TOKENS
from engine.catalog.offers import Model, Offer, Price, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Role, Usage, says
from engine.embeddings import EmbeddingCall, EmbeddingInput, EmbeddingRequest, Embeddings
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
from engine.gateway.embedding import BYTES_PER_SECOND, Embedded, parts
from engine.gateway.gateway import Gateway
from engine.holds import Funds, Grant, HoldRequest, fit
from engine.money import ZERO, Money
from engine.ports import EmbeddingProvider, Hold, Ledger, LimitHeaders, Provider
from engine.routing.health import Health, Permit
from engine.tenancy import Flat, Markup, Tenant
from tests.engine.scripted import TENANT, AnswerSetup, ScriptedHold, ScriptedProvider

MODEL = "text-embedding-3-small"
ONE = [Embeddings((array("d", [1.0]),), 5)]
PRICE = flat_price("2", "0")


class ScriptedEmbedder:
    """A provider that follows its script, in turn; after it, a vector for each input. An Event is waited for."""

    dialect = "openai"

    def __init__(
        self,
        name: str,
        *script: Embeddings | ProviderError | asyncio.Event,
        keys: int = 1,
        most_inputs: int = 100,
        most_bytes: int = 10**6,
        tokens: int | None = 5,
    ) -> None:
        self.name, self.keys, self._script, self._tokens = name, keys, list(script), tokens
        self.most_embedding_inputs, self.most_embedding_bytes = most_inputs, most_bytes
        self.calls: list[EmbeddingCall] = []

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        self.calls.append(call)
        step = self._script.pop(0) if self._script else self.vectors(call)
        if isinstance(step, asyncio.Event):
            await step.wait()
            step = self.vectors(call)
        if isinstance(step, ProviderError):
            raise step
        return step

    def vectors(self, call: EmbeddingCall) -> Embeddings:
        return Embeddings(tuple(array("d", [float(n)]) for n in range(len(call.inputs))), self._tokens)

    def limits(self, key: int) -> LimitHeaders | None:  # noqa: ARG002
        return None


class WalletLedger:
    """A ledger with `wallet` in it; the last request and hold are kept."""

    def __init__(self, wallet: Money) -> None:
        self.wallet = wallet
        self.hold_request: HoldRequest | None = None
        self.held: ScriptedHold | None = None

    @asynccontextmanager
    async def hold(self, hold_request: HoldRequest) -> AsyncIterator[Hold]:
        self.hold_request = hold_request
        sized = fit(hold_request, Funds(0, self.wallet))
        if not isinstance(sized, Grant):
            raise InsufficientFunds(sized)
        self.held = ScriptedHold(sized)
        try:
            yield cast("Hold", self.held)
        finally:
            if self.held.bill is None:
                await self.held.void()


@dataclass
class CapReached:
    async def check(self) -> None:
        raise SpendingCapReached("day")


class Embedding:
    """A gateway whose providers follow scripts; every offer is of MODEL at PRICE."""

    def __init__(
        self,
        *providers: ScriptedEmbedder,
        wallet: Money = Money(10**9),
        prices: Mapping[str, Price] | None = None,
        fees: Mapping[str, Fraction] | None = None,
        models: Mapping[str, Model] | None = None,
        checks: tuple[CapReached, ...] = (),
    ) -> None:
        setup = AnswerSetup(ScriptedProvider("x", []))
        names = [provider.name for provider in providers]
        known = tuple(Offer(name, MODEL) for name in names)
        book = PriceBook(prices or {offer.name: PRICE for offer in known}, fees or {})
        catalog = Catalog(models or {}, book, set(names).__contains__, Fraction("1.5"), known)
        health = Health(setup.market.policy, setup.market.clock, {each.name: each.keys for each in providers})
        served = {each.name: cast("Provider", each) for each in providers}
        self.market = replace(setup.market, catalog=catalog, health=health, providers=served)
        self.journal, self.ledger, self.kept = setup.journal, WalletLedger(wallet), list[Embedded]()
        self.gateway = Gateway(self.market, cast("Ledger", self.ledger), admission_checks=checks)

    async def __call__(
        self, *inputs: EmbeddingInput, model: str = MODEL, tenant: Tenant = TENANT, **more: Any
    ) -> tuple[list[list[float]], Money]:
        async def keep(embedded: Embedded) -> Any:
            self.kept.append(embedded)
            return lambda *_: None

        request = EmbeddingRequest("r", model, inputs or ("hello",), **more)
        embedded, charge = await self.gateway.embed(tenant, request, keep)
        return [vector.tolist() for vector in embedded.vectors], charge.wallet

    @property
    def record(self) -> AttemptRecord:
        assert self.ledger.held is not None
        assert self.ledger.held.bill is not None
        return self.ledger.held.bill.attempt

    def outcomes(self) -> list[tuple[str, str]]:
        return self.journal.outcomes()


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


async def test_inputs_over_the_limit_of_a_call_are_sent_in_parts() -> None:
    one = ScriptedEmbedder("a", most_inputs=2, tokens=3)
    embedding = Embedding(one)
    vectors, _ = await embedding("1", "2", "3", "4", "5")
    assert [call.inputs for call in one.calls] == [("1", "2"), ("3", "4"), ("5",)]
    assert vectors == [[0.0], [1.0], [0.0], [1.0], [0.0]]
    assert embedding.record.usage == Usage(9, 0)


async def test_failure_of_a_later_part_is_waste_and_all_is_asked_of_the_next_provider() -> None:
    first = Embeddings((array("d", [1.0]),), 4)
    half, whole = ScriptedEmbedder("a", first, Overloaded(), most_inputs=1), ScriptedEmbedder("b")
    embedding = Embedding(half, whole)
    vectors, _ = await embedding("1", "2")
    assert vectors == [[0.0], [1.0]]
    assert [call.inputs for call in whole.calls] == [("1", "2")]
    failed = embedding.journal.records[0]
    assert (failed.usage, failed.cost, failed.waste) == (Usage(4, 0), Money(8_000), Money(8_000))
    assert not failed.kept


@pytest.mark.parametrize(
    ("most_inputs", "most_bytes", "expected"),
    [
        (10, 100, [("aa", "bb", "é", (1, 2))]),
        (3, 100, [("aa", "bb", "é"), ((1, 2),)]),
        (10, 4, [("aa", "bb"), ("é",), ((1, 2),)]),
        (10, 1, [("aa",), ("bb",), ("é",), ((1, 2),)]),
    ],
)
def test_parts_keep_to_both_limits(most_inputs: int, most_bytes: int, expected: list[Any]) -> None:
    provider = cast("EmbeddingProvider", ScriptedEmbedder("a", most_inputs=most_inputs, most_bytes=most_bytes))
    assert list(parts(("aa", "bb", "é", (1, 2)), provider)) == expected


async def test_tokens_that_are_not_reported_are_estimated_and_marked() -> None:
    embedding = Embedding(ScriptedEmbedder("a", tokens=None))
    await embedding("tell me about the sea, please")
    usage = embedding.record.usage
    assert usage is not None
    assert usage.estimated
    assert 5 <= usage.input_tokens <= 9


async def test_report_far_over_the_bytes_is_not_believed() -> None:
    embedding = Embedding(ScriptedEmbedder("a", tokens=10**9))
    await embedding("hello")
    usage = embedding.record.usage
    assert usage is not None
    assert (usage.estimated, usage.input_tokens) == (True, 2)


async def test_cost_beyond_the_hold_is_waste() -> None:
    embedding = Embedding(ScriptedEmbedder("a", tokens=100))
    await embedding("hello")
    bound = (5 + PER_INPUT_TOKENS) * 2_000
    assert (embedding.record.cost, embedding.record.waste) == (Money(200_000), Money(200_000 - bound))


async def test_reported_cost_and_the_fee_are_the_cost() -> None:
    costs = [Embeddings((array("d", [1.0]),), 5, Decimal("0.0000001")) for _ in range(2)]
    embedding = Embedding(ScriptedEmbedder("a", *costs, most_inputs=1), fees={"a": Fraction("0.055")})
    await embedding("1", "2")
    assert embedding.ledger.held is not None
    assert embedding.ledger.held.bill is not None
    assert embedding.ledger.held.bill.cost_atto == 211 * 10**9


async def test_price_is_the_cost_where_one_call_reports_none() -> None:
    reports = [Embeddings((array("d", [1.0]),), 5, cost) for cost in (Decimal("0.5"), None)]
    embedding = Embedding(ScriptedEmbedder("a", *reports, most_inputs=1))
    await embedding("1", "2")
    assert embedding.record.cost == Money(20_000)


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


async def test_provider_that_does_not_answer_in_time_has_failed() -> None:
    silent = ScriptedEmbedder("a", asyncio.Event())
    embedding = Embedding(silent, ScriptedEmbedder("b"))
    embedding.market = replace(embedding.market, policy=replace(embedding.market.policy, first_token_seconds=0.01))
    embedding.gateway = Gateway(embedding.market, cast("Ledger", embedding.ledger))
    await embedding("x" * (BYTES_PER_SECOND // 100))
    assert embedding.outcomes() == [("a", "timeout")]


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
