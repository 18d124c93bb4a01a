"""EmbeddingAttempt: the calls of one offer, with one API key, for all inputs of a request."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import cast

from msgspec import structs

from engine import attempt_record as outcomes
from engine.attempt_record import MOST_DETAIL_CHARS, AttemptRecord
from engine.catalog.embedding_models import bound_tokens, estimated_tokens
from engine.catalog.offers import Quote
from engine.chat import Usage
from engine.embeddings import EmbeddingCall, EmbeddingInput, EmbeddingRequest, Vector
from engine.errors import FirstTokenLate, ProviderError
from engine.gateway.billed_attempt import Bounds
from engine.gateway.question import Market
from engine.money import ZERO, Money, reported_atto
from engine.ports import EmbeddingProvider
from engine.routing.selection import NextAttempt

# a call may take one second more than the first token of an answer for each of these bytes of text
BYTES_PER_SECOND = 10_000


@dataclass(slots=True, eq=False)
class EmbeddingAttempt:
    """The calls of one offer, with one API key: a provider limits the inputs of a call, so there may be several."""

    market: Market
    tenant_id: int
    request: EmbeddingRequest
    quote: Quote
    choice: NextAttempt
    ordinal: int
    vectors: list[Vector] = field(default_factory=list)
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    elapsed_ms: int = 0
    _costs_usd: list[Decimal | None] = field(default_factory=list)
    _started_at: datetime = field(init=False)
    _started_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        clock = self.market.clock
        self._started_at, self._started_seconds = clock.now(), clock.monotonic()

    async def run(self) -> ProviderError | None:
        """Make the calls one after another, and report the result to health.

        Return the error that ended them, if any.
        """
        market, permit = self.market, self.choice.permit
        provider = cast("EmbeddingProvider", market.providers[self.quote.offer.provider])
        try:
            for inputs in parts(self.request.inputs, provider):
                await self._call(provider, inputs)
        except ProviderError as error:
            market.health.failed(permit, error)
            return error
        except Exception:
            market.health.abandoned(permit)
            raise
        finally:
            self.elapsed_ms = round((market.clock.monotonic() - self._started_seconds) * 1000)
        market.health.succeeded(permit, None, provider.limits(permit.key))
        return None

    async def _call(self, provider: EmbeddingProvider, inputs: tuple[EmbeddingInput, ...]) -> None:
        request, policy = self.request, self.market.policy
        part = replace(request, inputs=inputs)
        call = EmbeddingCall(
            self.quote.offer.model,
            inputs,
            request.dimensions,
            request.as_floats,
            self.choice.permit.key,
            request.exclusions,
        )
        seconds = policy.first_token_seconds + bound_tokens(part) / BYTES_PER_SECOND
        try:
            async with asyncio.timeout(seconds):
                found = await provider.embed(call)
        except TimeoutError:
            raise FirstTokenLate(f"nothing for {seconds:g} s") from None
        self.vectors += found.vectors
        self._costs_usd.append(found.cost_usd)
        self._add_usage(part, found.input_tokens)

    def _add_usage(self, part: EmbeddingRequest, reported_tokens: int | None) -> None:
        """Add the tokens of one call: as reported, else estimated; a report far over the bound is ignored."""
        if reported_tokens is not None and _bounds(part).allow(Usage(reported_tokens, 0)):
            self.usage = structs.replace(self.usage, input_tokens=self.usage.input_tokens + reported_tokens)
        else:
            tokens = self.usage.input_tokens + estimated_tokens(part)
            self.usage = structs.replace(self.usage, input_tokens=tokens, estimated=True)

    @property
    def cost_atto(self) -> int:
        """The unrounded cost: the reported one with the fee if every call reports it; else by the quoted price."""
        if self._costs_usd and None not in self._costs_usd:
            fee = self.market.catalog.book.fees.get(self.quote.offer.provider, Fraction(0))
            return reported_atto(sum((cost or Decimal(0) for cost in self._costs_usd), Decimal(0)), 1 + fee)
        return self.quote.price.cost_atto(self.usage)

    def kept(self) -> AttemptRecord:
        """Return the journal record of the vectors that are kept. Cost that the hold did not cover is waste."""
        cost = Money.from_atto(self.cost_atto)
        covered = min(cost, _bounds(self.request).most_cost(self.quote.price))
        return structs.replace(self._record(outcomes.ANSWERED), cost=cost, waste=cost - covered, kept=True)

    def wasted(self, outcome: str, error: ProviderError | None = None) -> AttemptRecord:
        """Return the journal record of a failed attempt: the calls before the failing one were billed."""
        cost = Money.from_atto(self.cost_atto) if self.vectors else ZERO
        status, detail = (error.status, error.detail[:MOST_DETAIL_CHARS]) if error is not None else (None, "")
        return structs.replace(self._record(outcome), cost=cost, waste=cost, status=status, detail=detail)

    def _record(self, outcome: str) -> AttemptRecord:
        request, offer = self.request, self.quote.offer
        return AttemptRecord(
            request_id=request.id,
            ordinal=self.ordinal,
            tenant_id=self.tenant_id,
            key_id=request.key_id,
            asked=request.model,
            provider=offer.provider,
            model=offer.model,
            outcome=outcome,
            started_at=self._started_at,
            duration_ms=self.elapsed_ms,
            usage=self.usage if self.vectors else None,
        )


def parts(inputs: tuple[EmbeddingInput, ...], provider: EmbeddingProvider) -> Iterator[tuple[EmbeddingInput, ...]]:
    """Yield the inputs in groups that the provider takes in one call; a single input is never split."""
    part: list[EmbeddingInput] = []
    size = 0
    for each in inputs:
        bytes_of_it = len(each.encode(errors="replace")) if isinstance(each, str) else 4 * len(each)
        is_full = len(part) == provider.most_embedding_inputs or size + bytes_of_it > provider.most_embedding_bytes
        if part and is_full:
            yield tuple(part)
            part, size = [], 0
        part.append(each)
        size += bytes_of_it
    yield tuple(part)


def _bounds(request: EmbeddingRequest) -> Bounds:
    return Bounds(bound_tokens(request), 0)
