"""Answer: one prompt being answered. It walks the route that was planned; it never chooses.

A task of its own tries the quotes in turn and captures at the end, so that nothing that happens to the
reader (a closed socket, a cancelled handler) can interrupt the books. The reader iterates over Events.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self, TypeAlias

from engine import attempt as outcomes
from engine.attempt import Attempt, DropLine, QuoteLine, Receipt
from engine.catalog import Offer, Quote
from engine.chat import ChatRequest, Completion, Delta, Event, Finished, Restart, Usage
from engine.collecting import Collected, partial_usage, whole_usage
from engine.errors import (
    AbilityMissing,
    AnswerCut,
    BalanceGone,
    Closing,
    ContextTooLong,
    KeyRefused,
    NoProvider,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
    TooBigForNow,
)
from engine.health import Permit
from engine.money import Money
from engine.ports import Also, Bill, Hold
from engine.routing import Route
from engine.tenancy import Charge, Tenant
from engine.trial import Market, Trial, unanswered

Finisher: TypeAlias = Callable[[Completion, Receipt], Also]
"""Called when the answer is whole or stopped; the unit that it returns runs in the capture's transaction."""

_OF_ONE_KEY = (RateLimited, KeyRefused, BalanceGone)
_OF_THE_REQUEST = (ContextTooLong, AbilityMissing, TooBigForNow)


class _Ending(Enum):
    """Why an answer was interrupted from our side."""

    STOPPED = "the reader wants no more"
    CLOSING = "the process stops"


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Everything an answer is made for and with."""

    tenant: Tenant
    request: ChatRequest
    route: Route
    input_ceiling_tokens: int
    finish: Finisher | None = None
    can_restart: bool = True


@dataclass(slots=True, eq=False)
class Answer:
    """Iterate for Delta, Finished and Restart. When the iteration has ended, the books are closed.

    Raises RequestRejected, NoProvider, AnswerCut, HoldLost or Closing: nothing was charged then.
    """

    market: Market
    question: Question
    hold: Hold
    completion: Completion | None = None
    charge: Charge = field(default_factory=Charge)
    receipt: Receipt = field(init=False)
    _events: asyncio.Queue[Event | _End] = field(default_factory=asyncio.Queue)
    _delivered: Collected = field(default_factory=Collected)
    _attempts: list[Attempt] = field(default_factory=list)
    _drops: list[DropLine] = field(default_factory=list)
    _shown_by: Trial | None = None
    _restarts_pending: int = 0
    _ending: _Ending | None = None
    _settling: bool = False
    _over: bool = False
    _task: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self._drops += [DropLine(d.offer.provider, d.offer.model, d.reason) for d in self.question.route.drops]
        self.receipt = self._receipt(None)
        self._task = asyncio.create_task(self._answer(), name=f"answer {self.question.request.id}")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._over:
            raise StopAsyncIteration
        event = await self._events.get()
        if isinstance(event, _End):
            self._over = True
            if event.error is not None:
                raise event.error
            raise StopAsyncIteration
        self._deliver(event)
        return event

    @property
    def offer(self) -> Offer | None:
        """Who is answering; None before the first word."""
        return self._shown_by.quote.offer if self._shown_by else None

    async def whole(self) -> Completion | None:
        """Wait for the end, with nothing delivered on the way: a reader who leaves early has got nothing."""
        while not isinstance(event := await self._events.get(), _End):
            pass
        self._over = True
        if event.error is not None:
            raise event.error
        return self.completion

    def stop(self) -> None:
        """The reader wants no more: what it was given is kept and charged; nothing given, nothing charged."""
        self._interrupt(_Ending.STOPPED)

    def abort(self) -> None:
        """The process can wait no longer: nothing is kept or charged, and the iteration raises Closing."""
        self._interrupt(_Ending.CLOSING)

    async def leave(self) -> None:
        """Close the books with what was delivered, whatever cancels us meanwhile."""
        self.stop()
        cancelled: asyncio.CancelledError | None = None
        while not self._task.done():
            try:
                await asyncio.shield(self._task)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def _interrupt(self, ending: _Ending) -> None:
        if self._ending is None and not self._settling and not self._task.done():
            self._ending = ending
            self._task.cancel()

    def _deliver(self, event: Event) -> None:
        if isinstance(event, Restart):
            self._delivered = Collected()
            self._restarts_pending -= 1
        else:
            self._delivered.add(event)

    async def _answer(self) -> None:
        """The task: try, capture or give back, and only then tell the reader how it ended."""
        error: Exception | None = None
        try:
            await self._walk()
        except asyncio.CancelledError:
            error = Closing() if self._ending is _Ending.CLOSING else None
        except Exception as failed:  # noqa: BLE001 - the reader gets it
            error = failed
        if self.completion is None:
            error = await self._give_back() or error
        self._events.put_nowait(_End(error))

    async def _give_back(self) -> Exception | None:
        """Void the hold; what went wrong with that, if anything: then its context and the clock see to it."""
        try:
            await self.hold.void()
        except Exception as failed:  # noqa: BLE001 - told to the reader; the hold ends with its lease at the latest
            return failed
        return None

    async def _walk(self) -> None:
        errors: list[ProviderError] = []
        for position, quote in enumerate(self.question.route.quotes):
            limit = self.hold.grant.output_tokens[position]
            if not limit:
                self._drop(quote, "dearer than what is left")
            elif await self._try_keys(quote, limit, errors):
                return
        await self._give_up(errors)

    async def _try_keys(self, quote: Quote, limit: int, errors: list[ProviderError]) -> bool:
        """Try one quote, with another key of the same provider where only the key was at fault."""
        if any(isinstance(error, ContextTooLong) for error in errors) and not self._longer(quote, errors):
            self._drop(quote, "context too short")
            return False
        used: set[int] = set()
        while True:
            permit = self.market.health.admit(quote.offer)
            if not isinstance(permit, Permit):
                self._drop(quote, permit.reason)
                return False
            if permit.key in used:
                self.market.health.abandoned(permit)
                return False
            used.add(permit.key)
            error = await self._try(quote, permit, limit)
            if error is None:
                return True
            errors.append(error)
            self._after_failure(quote, error)
            if not isinstance(error, _OF_ONE_KEY):
                return False

    async def _try(self, quote: Quote, permit: Permit, limit: int) -> ProviderError | None:
        """One trial, captured when it ends well; its error otherwise, already journaled."""
        question = self.question
        trial = Trial(self.market, question.tenant, question.request, quote, permit, len(self._attempts) + 1, limit)
        try:
            await trial.run(lambda event: self._emit(trial, event))
        except asyncio.CancelledError:
            await self._interrupted(trial)
            return None
        except ProviderError as error:
            self.market.health.failed(permit, error)
            await self._journal(trial.lost(error.outcome, self._lost_usage(trial), error))
            return error
        limits = trial.provider.limits(permit.key)
        self.market.health.succeeded(permit, trial.first_token_ms, limits)
        await self._capture(trial, outcomes.ANSWERED, whole_usage(question.request, trial.collected), trial.collected)
        return None

    def _emit(self, trial: Trial, event: Delta | Finished) -> None:
        if isinstance(event, Delta) and not event.is_word:
            return
        if isinstance(event, Delta):
            self._begin_showing(trial)
        self._events.put_nowait(event)

    def _begin_showing(self, trial: Trial) -> None:
        """The first word of a second try takes back those of the first."""
        if self._shown_by is not None and self._shown_by is not trial:
            offer = trial.quote.offer
            self._restarts_pending += 1
            self._events.put_nowait(Restart(offer.provider, offer.model))
        self._shown_by = trial

    async def _interrupted(self, trial: Trial) -> None:
        """/stop, a reader who left, or the process stopping."""
        task = asyncio.current_task()
        if self._ending is None or task is None:
            raise asyncio.CancelledError
        task.uncancel()
        self.market.health.abandoned(trial.permit)
        reported = trial.collected.usage
        if self._ending is _Ending.CLOSING:
            await self._journal(trial.lost("closing", reported))
            raise Closing
        if not self._delivered.has_words or self._shown_by is not trial or self._restarts_pending:
            await self._journal(trial.lost(outcomes.ABANDONED, reported))
            return
        usage = partial_usage(self.question.request, reported, self._delivered)
        await self._capture(trial, outcomes.STOPPED, usage, self._delivered)

    async def _capture(self, trial: Trial, outcome: str, usage: Usage, said: Collected) -> None:
        self._settling = True
        question, offer = self.question, trial.quote.offer
        held_output = question.request.n * trial.output_tokens
        attempt = trial.kept(outcome, usage, (question.input_ceiling_tokens, held_output))
        self._attempts.append(attempt)
        completion = Completion(offer.provider, offer.model, said.choices(), usage, stopped=outcome == outcomes.STOPPED)
        self.receipt = self._receipt(usage)
        bill = Bill(attempt, usage.tokens, trial.cost_atto(usage), self.receipt)
        also = question.finish(completion, self.receipt) if question.finish else None
        self.charge = await self.hold.capture(bill, also)
        self.completion = completion

    async def _journal(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)
        await self.market.journal.record(attempt)

    def _lost_usage(self, trial: Trial) -> Usage | None:
        """What a failed try cost the house: as reported, else estimated where words had come."""
        if trial.collected.usage is None and not trial.collected.has_words:
            return None
        return partial_usage(self.question.request, trial.collected.usage, trial.collected)

    def _after_failure(self, quote: Quote, error: ProviderError) -> None:
        """What ends the walk at once; otherwise the next quote is tried."""
        if isinstance(error, ContextTooLong):
            self.market.catalog.teach_context(quote.offer, error.context_tokens)
        if isinstance(error, RequestFault):
            raise RequestRejected(quote.offer.provider, error.detail, moderation=error.moderation)
        if self._shown_by is not None and not self.question.can_restart:
            raise AnswerCut(quote.offer.provider, error.outcome)

    async def _give_up(self, errors: list[ProviderError]) -> None:
        tried = tuple(f"{attempt.provider}: {attempt.outcome}" for attempt in self._attempts)
        self.receipt = self._receipt(None)
        if self._shown_by is not None:
            raise AnswerCut(self._attempts[-1].provider, self._attempts[-1].outcome)
        if errors and all(isinstance(error, _OF_THE_REQUEST) for error in errors):
            raise RequestRejected(self._attempts[-1].provider, errors[-1].detail)
        question = self.question
        line = unanswered(self.market, question.tenant, question.request, len(self._attempts) + 1)
        await self.market.journal.record(line)
        raise NoProvider(self.market.health.smallest_rest_seconds(), tried)

    def _longer(self, quote: Quote, errors: list[ProviderError]) -> bool:
        """True when this offer's context is longer than every one that was too short."""
        known = [error.context_tokens or 0 for error in errors if isinstance(error, ContextTooLong)]
        mine = quote.context_tokens
        return mine is None or mine > max(known)

    def _drop(self, quote: Quote, reason: str) -> None:
        self._drops.append(DropLine(quote.offer.provider, quote.offer.model, reason))

    def _receipt(self, usage: Usage | None) -> Receipt:
        question = self.question
        return Receipt(
            request_id=question.request.id,
            asked=question.request.model,
            answered_at=self.market.clock.now(),
            quotes=tuple(
                QuoteLine(q.offer.provider, q.offer.model, q.expected, q.last_resort) for q in question.route.quotes
            ),
            drops=tuple(self._drops),
            attempts=tuple(self._attempts),
            list_price=self._list_price(usage),
        )

    def _list_price(self, usage: Usage | None) -> Money | None:
        """What GPT-4o would have cost for the same tokens, with nothing cached."""
        price = self.market.catalog.list_price("gpt-4o", self.market.clock.now()) if usage else None
        if price is None or usage is None:
            return None
        return Money.from_atto(price.cost_atto(replace(usage, cached_tokens=0, cache_write_tokens=0)))
