"""EmbeddingRun: turns the inputs of a request into vectors by one offer of one model, held and charged like an answer.

A provider limits the inputs of a call, so that one attempt may consist of several calls. All vectors come from one
offer: if one call fails, the whole attempt has failed, and the part that was billed is waste. All offers of a route are
of the same model.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

from engine import attempt_record as outcomes
from engine.attempt_record import AttemptRecord, unanswered
from engine.catalog.offers import Offer, Quote
from engine.chat import Usage
from engine.embeddings import EmbeddingRequest, Vector
from engine.errors import (
    CapabilityMissing,
    Closing,
    ContextTooLong,
    NoProvider,
    NoSuchModel,
    ProviderError,
    RequestFault,
    TooBigForNow,
    UnknownModel,
)
from engine.gateway.attempt import uninterrupted
from engine.gateway.embeddings.attempt import EmbeddingAttempt
from engine.gateway.question import Market
from engine.gateway.rejections import rejected
from engine.ports import Bill, CaptureStep, Hold
from engine.routing.plan import Route, plan
from engine.routing.selection import NextAttempt, Pause, Selection
from engine.tenancy import Charge

_OF_THE_REQUEST = (CapabilityMissing, ContextTooLong, RequestFault, TooBigForNow)


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of a request, in the order of its inputs."""

    offer: Offer
    vectors: tuple[Vector, ...]
    usage: Usage


EmbeddingFinisher: TypeAlias = Callable[[Embedded], Awaitable[CaptureStep]]
"""Awaited when all vectors are there; returns a step that runs in the capture's transaction."""


@dataclass(slots=True, eq=False)
class EmbeddingRun:
    """The attempts at one request, in a task of its own, which continues when the client disconnects."""

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
    _attempt: EmbeddingAttempt | None = None

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
        """End the run because the process is stopping: nothing is kept or charged."""
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

    async def _answered(self) -> EmbeddingAttempt:
        """Return the attempt that succeeded. Raises RequestRejected, UnknownModel or NoProvider."""
        selection = Selection(self.market.health, self.route.quotes, self._order)
        for number, limit in enumerate(self.hold.grant.output_tokens):
            if not limit:
                selection.leave_out(number, "costs more than the funds left")
        while (step := selection.next(self.market.clock.monotonic())) is not None:
            if isinstance(step, Pause):
                await self.market.sleep(step.seconds)
                continue
            self._attempt = attempt = self._started(step)
            selection.begin(step.number)
            error = await attempt.run()
            self._attempt = None
            if error is None:
                return attempt
            await self._failed(selection, attempt, error)
        return await self._give_up(selection)

    def _started(self, choice: NextAttempt) -> EmbeddingAttempt:
        quote = self.route.quotes[choice.number]
        return EmbeddingAttempt(self.market, self.tenant_id, self.request, quote, choice, self.next_ordinal)

    def _order(self, quotes: Sequence[Quote]) -> Route:
        return plan(quotes, (), self.market.health.status, self.market.delay_usd_per_second)

    async def _failed(self, selection: Selection, attempt: EmbeddingAttempt, error: ProviderError) -> None:
        """Journal a failed attempt.

        Raises RequestRejected for moderation, and for the second refusal of the request.
        """
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
        raise NoProvider(selection.retry_after_seconds, tried, self.route.left_out)

    @property
    def next_ordinal(self) -> int:
        return len(self._records) + 1

    async def _journal(self, record: AttemptRecord) -> None:
        self._records.append(record)
        await self.market.journal.record(record)
        self.market.observe(record, operation="embeddings")
