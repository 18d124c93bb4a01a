"""Embedding: the inputs of a request turned into vectors by one offer of one model, held and charged like an answer.

A provider takes only so many inputs a call, so an attempt may be several calls. All vectors come from one offer; where
a call fails, the attempt has failed, and the part that was billed is waste. The offers of a route are of one model.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn, TypeAlias, cast

from engine import attempt_record as outcomes
from engine.attempt_record import MOST_DETAIL_CHARS, AttemptRecord, unanswered
from engine.catalog.embedding_models import bound_tokens, estimated_tokens
from engine.catalog.offers import Offer, Quote
from engine.chat import Usage
from engine.embeddings import EmbeddingCall, EmbeddingInput, EmbeddingRequest, Vector
from engine.errors import (
    CapabilityMissing,
    Closing,
    ContextTooLong,
    FirstTokenLate,
    NoProvider,
    NoSuchModel,
    ProviderError,
    RequestFault,
    TooBigForNow,
    UnknownModel,
)
from engine.gateway.failover import uninterrupted
from engine.gateway.market import Market
from engine.gateway.rejections import rejected
from engine.gateway.usage import Bounds
from engine.money import ZERO, Money, reported_atto
from engine.ports import Bill, CaptureStep, EmbeddingProvider, Hold
from engine.routing.plan import Route, plan
from engine.routing.selection import NextAttempt, Pause, Selection
from engine.tenancy import Charge

BYTES_PER_SECOND = 10_000  # a call is given a second more than the first token of an answer for so many bytes of text
_OF_THE_REQUEST = (CapabilityMissing, ContextTooLong, RequestFault, TooBigForNow)


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of a request, in the order of its inputs."""

    offer: Offer
    vectors: tuple[Vector, ...]
    usage: Usage


EmbeddingFinisher: TypeAlias = Callable[[Embedded], Awaitable[CaptureStep]]
"""Awaited when the vectors are whole; the step that it returns runs in the capture's transaction."""


@dataclass(slots=True, eq=False)
class EmbeddingRun:
    """The attempts at one request, in a task of its own: a client that leaves does not end it."""

    market: Market
    tenant_id: int
    request: EmbeddingRequest
    route: Route
    hold: Hold
    finish: EmbeddingFinisher
    embedded: Embedded | None = None
    charge: Charge = field(default_factory=Charge)
    _records: list[AttemptRecord] = field(default_factory=list)
    _errors: list[ProviderError] = field(default_factory=list)
    _is_capturing: bool = False
    _task: asyncio.Task[None] = field(init=False)
    _attempt: "_EmbeddingAttempt | None" = None

    def __post_init__(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"embeddings for {self.request.id}")

    async def whole(self) -> tuple[Embedded, Charge]:
        """Wait for the vectors and their charge. Raises RequestRejected, UnknownModel, NoProvider or Closing."""
        await uninterrupted(self._task)
        if self.embedded is None:
            raise Closing
        return self.embedded, self.charge

    @property
    def attempts_in_flight(self) -> int:
        return 0 if self._attempt is None else 1

    def abort(self) -> None:
        """End the run because the process stops: nothing is kept or charged."""
        if not self._is_capturing:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            attempt = await self._answered()
        except asyncio.CancelledError:
            if self._attempt is not None:
                self.market.health.abandoned(self._attempt.choice.permit)
                await self._journal(self._attempt.wasted(outcomes.CLOSING))
            raise
        self._is_capturing = True
        embedded = Embedded(attempt.quote.offer, tuple(attempt.vectors), attempt.usage)
        step = await self.finish(embedded)
        record = attempt.kept()
        bill = Bill(record, attempt.usage.tokens, attempt.cost_atto, None)
        self.charge = await self.hold.capture(bill, step)
        self.market.observe(record, operation="embeddings")
        self.embedded = embedded

    async def _answered(self) -> "_EmbeddingAttempt":
        """Return the attempt that has answered. Raises RequestRejected, UnknownModel or NoProvider."""
        selection = Selection(self.market.health, self.route.quotes, self._order)
        for number, limit in enumerate(self.hold.grant.output_tokens):
            if not limit:
                selection.leave_out(number, "costs more than the funds left")
        while (step := selection.next(self.market.clock.monotonic())) is not None:
            if isinstance(step, Pause):
                await self.market.sleep(step.seconds)
                continue
            self._attempt = attempt = _EmbeddingAttempt(self, self.route.quotes[step.number], step)
            selection.begin(step.number)
            error = await attempt.run()
            self._attempt = None
            if error is None:
                return attempt
            await self._failed(selection, attempt, error)
        return await self._give_up(selection)

    def _order(self, quotes: Sequence[Quote]) -> Route:
        return plan(quotes, (), self.market.health.status, self.market.delay_usd_per_second)

    async def _failed(self, selection: Selection, attempt: "_EmbeddingAttempt", error: ProviderError) -> None:
        """Journal a failure. Raises RequestRejected for a second refusal of the request, and for moderation."""
        await self._journal(attempt.wasted(error.outcome, error))
        self._errors.append(error)
        if isinstance(error, RequestFault):
            if error.moderation or sum(isinstance(each, RequestFault) for each in self._errors) > 1:
                raise rejected(attempt.quote.offer.provider, error)
            provider = attempt.quote.offer.provider
            others = {n for n, quote in enumerate(self.route.quotes) if quote.offer.provider != provider}
            selection.keep_only(others, f"{provider} refused the request")
        seconds, now = attempt.elapsed_ms / 1000, self.market.clock.monotonic()
        selection.failed(attempt.choice, error, seconds=seconds, was_shown=False, now=now)

    async def _give_up(self, selection: Selection) -> NoReturn:
        if self._errors and all(isinstance(error, _OF_THE_REQUEST) for error in self._errors):
            raise rejected(self._records[-1].provider, self._errors[-1])
        if self._errors and all(isinstance(error, NoSuchModel) for error in self._errors):
            raise UnknownModel(self.request.model)
        ordinal, now = self.next_ordinal, self.market.clock.now()
        await self.market.journal.record(unanswered(self.tenant_id, self.request, ordinal=ordinal, now=now))
        tried = tuple(f"{record.provider}: {record.outcome}" for record in self._records)
        raise NoProvider(selection.retry_after_seconds, tried)

    @property
    def next_ordinal(self) -> int:
        return len(self._records) + 1

    async def _journal(self, record: AttemptRecord) -> None:
        self._records.append(record)
        await self.market.journal.record(record)
        self.market.observe(record, operation="embeddings")


@dataclass(slots=True, eq=False)
class _EmbeddingAttempt:
    """The calls of one offer, with one key: one for each part of the inputs that the provider takes at once."""

    run_of: EmbeddingRun
    quote: Quote
    choice: NextAttempt
    vectors: list[Vector] = field(default_factory=list)
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    elapsed_ms: int = 0
    _costs_usd: list[Decimal | None] = field(default_factory=list)
    _started_at: datetime = field(init=False)
    _started_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        clock = self.run_of.market.clock
        self._started_at, self._started_seconds = clock.now(), clock.monotonic()

    async def run(self) -> ProviderError | None:
        """Make the calls in turn, and report their end to health. Returns the error that ended them, if one did."""
        market, permit = self.run_of.market, self.choice.permit
        provider = cast("EmbeddingProvider", market.providers[self.quote.offer.provider])
        try:
            for inputs in parts(self.run_of.request.inputs, provider):
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
        request, policy = self.run_of.request, self.run_of.market.policy
        part = replace(request, inputs=inputs)
        call = EmbeddingCall(
            self.quote.offer.model, inputs, request.dimensions, request.as_floats, self.choice.permit.key
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
        """Add the tokens of one call: as reported, else estimated; a report far over the bound is an error."""
        if reported_tokens is not None and _bounds(part).allow(Usage(reported_tokens, 0)):
            self.usage = replace(self.usage, input_tokens=self.usage.input_tokens + reported_tokens)
        else:
            tokens = self.usage.input_tokens + estimated_tokens(part)
            self.usage = replace(self.usage, input_tokens=tokens, estimated=True)

    @property
    def cost_atto(self) -> int:
        """The unrounded cost: as reported, with the fee, where every call reports it; else at the quoted price."""
        if self._costs_usd and None not in self._costs_usd:
            fee = self.run_of.market.catalog.book.fees.get(self.quote.offer.provider, Fraction(0))
            return reported_atto(sum((cost or Decimal(0) for cost in self._costs_usd), Decimal(0)), 1 + fee)
        return self.quote.price.cost_atto(self.usage)

    def kept(self) -> AttemptRecord:
        """Return the record of the vectors that are kept. Cost beyond the bound of the hold is waste."""
        cost = Money.from_atto(self.cost_atto)
        covered = min(cost, _bounds(self.run_of.request).most_cost(self.quote.price))
        return replace(self._record(outcomes.ANSWERED), cost=cost, waste=cost - covered, kept=True)

    def wasted(self, outcome: str, error: ProviderError | None = None) -> AttemptRecord:
        """Return the record of an attempt that is not kept: the calls before the failing one were billed."""
        cost = Money.from_atto(self.cost_atto) if self.vectors else ZERO
        status, detail = (error.status, error.detail[:MOST_DETAIL_CHARS]) if error is not None else (None, "")
        return replace(self._record(outcome), cost=cost, waste=cost, status=status, detail=detail)

    def _record(self, outcome: str) -> AttemptRecord:
        request, offer = self.run_of.request, self.quote.offer
        return AttemptRecord(
            request_id=request.id,
            ordinal=self.run_of.next_ordinal,
            tenant_id=self.run_of.tenant_id,
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
    """Yield the inputs in parts that the provider takes in one call; an input is never split."""
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
