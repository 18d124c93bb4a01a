"""Answer: one prompt being answered: a walk along the route, its words to the reader, its end to the books.

A task of its own walks and captures, so that nothing that happens to the reader (a closed socket, a cancelled
handler) can interrupt the books. The reader iterates over Events.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self, TypeAlias

from engine import attempt_record as outcomes
from engine.attempt_record import AttemptRecord, QuoteLine, Receipt
from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Completion, Event, Usage
from engine.errors import Closing
from engine.gateway.answer_stream import AnswerStream, StreamEnd
from engine.gateway.collected import Collected, partial_usage, whole_usage
from engine.gateway.failover import Failover
from engine.gateway.market import Market
from engine.gateway.running import Running
from engine.gateway.trial import Trial
from engine.money import Money
from engine.ports import Bill, CaptureStep, Hold
from engine.routing.plan import Route
from engine.tenancy import Charge, Tenant

Finisher: TypeAlias = Callable[[Completion, Receipt], CaptureStep]
"""Called when the answer is whole or stopped; the unit that it returns runs in the capture's transaction."""


class _Ending(Enum):
    """Why an answer was interrupted from our side."""

    STOPPED = "the reader wants no more"
    CLOSING = "the process stops"


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
    _showing: AnswerStream = field(default_factory=AnswerStream)
    _walk: Failover = field(init=False)
    _ending: _Ending | None = None
    _settling: bool = False
    _over: bool = False
    _task: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        asked = self.question
        self._walk = Failover(
            self.market,
            asked.tenant,
            asked.request,
            asked.route,
            self.hold.grant,
            asked.input_ceiling_tokens,
            self._showing,
            asked.can_restart,
        )
        self.receipt = self._receipt(None)
        self._task = asyncio.create_task(self._answer(), name=f"answer {asked.request.id}")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._over:
            raise StopAsyncIteration
        event = await self._showing.next()
        if isinstance(event, StreamEnd):
            self._end(event)
            raise StopAsyncIteration
        return event

    @property
    def offer(self) -> Offer | None:
        """Who is answering; None before the first word."""
        return self._showing.offer

    async def whole(self) -> Completion | None:
        """Wait for the end, with nothing delivered on the way: a reader who leaves early has got nothing."""
        self._end(await self._showing.last())
        return self.completion

    def _end(self, end: StreamEnd) -> None:
        self._over = True
        if end.error is not None:
            raise end.error

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

    async def _answer(self) -> None:
        """The task: walk, capture or give back, and only then tell the reader how it ended."""
        error: Exception | None = None
        try:
            await self._keep(await self._walk.go())
        except asyncio.CancelledError:
            error = await self._interrupted()
        except Exception as failed:  # noqa: BLE001 - the reader gets it
            error = failed
        if self.completion is None:
            self.receipt = self._receipt(None)
            error = await self._give_back() or error
        self._showing.end(error)

    async def _give_back(self) -> Exception | None:
        """Void the hold; what went wrong with that, if anything: then its context and the clock see to it."""
        try:
            await self.hold.void()
        except Exception as failed:  # noqa: BLE001 - told to the reader; the hold ends with its lease at the latest
            return failed
        return None

    async def _keep(self, trial: Trial) -> None:
        usage = whole_usage(self.question.request, trial.collected, self._walk.bounds(trial))
        await self._capture(trial, outcomes.ANSWERED, usage, trial.collected)

    async def _interrupted(self) -> Exception | None:
        """/stop, a reader who left, or the process stopping; otherwise somebody cancelled the task itself."""
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        closing = self._ending is not _Ending.STOPPED
        try:
            for running in tuple(self._walk.running):
                if not closing and self._showing.was_heard(running.trial):
                    await self._stopped(running)
                else:
                    await self._walk.lose(running, outcomes.CLOSING if closing else outcomes.ABANDONED)
        except Exception as failed:  # noqa: BLE001 - the reader gets it
            return failed
        return Closing() if closing else None

    async def _stopped(self, running: Running) -> None:
        """What was delivered is kept and paid; what is billed beyond it is waste."""
        walk, trial, request = self._walk, running.trial, self.question.request
        self.market.health.abandoned(trial.permit)
        delivered, bounds = self._showing.delivered, walk.bounds(trial)
        paid = partial_usage(request, trial.collected.usage, delivered, bounds)
        ordinal = walk.next_ordinal()

        def rest() -> AttemptRecord | None:
            if trial.provider.close_stops_bill:
                return None
            total = partial_usage(request, trial.collected.usage, trial.collected, bounds)
            return trial.unread(ordinal, paid, total)

        running.heard = False
        if trial.provider.close_stops_bill:
            await running.hang_up()
        try:
            await self._capture(trial, outcomes.STOPPED, paid, delivered)
        finally:
            await walk.let_go(running, rest)

    async def _capture(self, trial: Trial, outcome: str, usage: Usage, said: Collected) -> None:
        self._settling = True
        question, offer = self.question, trial.quote.offer
        held = self._walk.bounds(trial)
        attempt = trial.kept(outcome, usage, (held.input_tokens, held.output_tokens))
        self._walk.attempts.append(attempt)
        completion = Completion(offer.provider, offer.model, said.choices(), usage, stopped=outcome == outcomes.STOPPED)
        self.receipt = self._receipt(usage)
        bill = Bill(attempt, usage.tokens, trial.cost_atto(usage), self.receipt)
        also = question.finish(completion, self.receipt) if question.finish else None
        self.charge = await self.hold.capture(bill, also)
        self.completion = completion

    def _receipt(self, usage: Usage | None) -> Receipt:
        question = self.question
        return Receipt(
            request_id=question.request.id,
            asked=question.request.model,
            answered_at=self.market.clock.now(),
            quotes=tuple(
                QuoteLine(q.offer.provider, q.offer.model, q.expected, q.last_resort) for q in question.route.quotes
            ),
            drops=tuple(self._walk.drops),
            attempts=tuple(self._walk.attempts),
            list_price=self._list_price(usage),
        )

    def _list_price(self, usage: Usage | None) -> Money | None:
        """What GPT-4o would have cost for the same tokens, with nothing cached."""
        price = self.market.catalog.list_price("gpt-4o", self.market.clock.now()) if usage else None
        if price is None or usage is None:
            return None
        return Money.from_atto(price.cost_atto(replace(usage, cached_tokens=0, cache_write_tokens=0)))
