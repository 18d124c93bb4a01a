"""A gateway whose providers make embeddings by a script, and a ledger in memory."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

from engine.attempt_record import AttemptRecord
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer, Price, flat_price
from engine.catalog.price_book import PriceBook
from engine.embeddings import EmbeddingCall, EmbeddingInput, EmbeddingRequest, Embeddings
from engine.errors import (
    InsufficientFunds,
    ProviderError,
    SpendingCapReached,
)
from engine.gateway.embeddings.run import Embedded
from engine.gateway.gateway import Gateway
from engine.holds import Funds, Grant, HoldRequest, fit
from engine.money import Money
from engine.ports import Hold, Ledger, LimitHeaders, Provider
from engine.routing.health import Health
from engine.tenancy import Tenant
from tests.engine.scripted import TENANT, AnswerSetup, ScriptedHold, ScriptedProvider

MODEL = "text-embedding-3-small"
PRICE = flat_price("2", "0")


class ScriptedEmbedder:
    """A provider that follows its script; after it, it returns a vector for each input.

    It waits for an Event in the script.
    """

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
    """A ledger with money `wallet`, which keeps the last request and hold."""

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
    """A gateway whose providers follow scripts; all offers are of MODEL at PRICE."""

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
