"""Answer: the answer to one question, from the first attempt to the capture of its hold.

A task of its own runs the failover and captures the hold, so that no trouble of the reader (a closed socket, a
cancelled handler) can interrupt the capture. The reader iterates over Events.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from engine import attempt_record as outcomes
from engine.attempt_record import AttemptRecord, QuoteLine, Receipt
from engine.catalog.offers import Offer
from engine.chat import Event, Usage
from engine.completion import Choice, Completion, unmet_fields
from engine.errors import Closing, HoldLost
from engine.gateway.answer_stream import AnswerStream, StreamEnd
from engine.gateway.attempt import Attempt, uninterrupted
from engine.gateway.attempt_content import ContentEvent, choices_of
from engine.gateway.failover import Failover
from engine.gateway.question import Market, Question, Siblings, uncancel
from engine.money import Money
from engine.ports import Bill, Hold, ProviderCall
from engine.tenancy import Charge


class _Interruption(Enum):
    """The reason why our side ended an answer."""

    STOPPED = "stopped by its reader"
    CLOSING = "the process stops"


@dataclass(slots=True, eq=False)
class Answer:
    """Iterate to get Delta, Finished and Restart. After the iteration the hold is captured or void.

    The iteration raises RequestRejected, NoProvider, AnswerCut, HoldLost or Closing; then nothing was charged.
    """

    market: Market
    question: Question
    hold: Hold
    completion: Completion | None = None
    charge: Charge = field(default_factory=Charge)
    _kept_receipt: Receipt | None = None
    _stream: AnswerStream = field(default_factory=AnswerStream)
    _failover: Failover = field(init=False)
    _interruption: _Interruption | None = None
    _is_capturing: bool = False
    _has_ended: bool = False
    _task: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self._failover = Failover(self.market, self.question, self.hold.grant, self._stream)
        self._task = asyncio.create_task(self._run(), name=f"answer {self.question.request.id}")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._has_ended:
            raise StopAsyncIteration
        event = await self._stream.next()
        if isinstance(event, StreamEnd):
            self._end(event)
            raise StopAsyncIteration
        return event

    async def next_events(self, most: int, seconds: float) -> list[Event] | None:
        """Return up to `most` next events, an empty list at the end; None if neither comes within `seconds`.

        Raises the errors of the iteration.
        """
        found = [] if self._has_ended else await self._stream.next_events(most, seconds)
        if isinstance(found, StreamEnd):
            self._end(found)
            return []
        return found

    @property
    def offer(self) -> Offer | None:
        """The offer that is answering; None before the first content."""
        return self._stream.offer

    def open(self) -> None:
        """Deliver reasoning immediately from now on, even before the first content."""
        self._stream.open()

    @property
    def attempts_in_flight(self) -> int:
        return len(self._failover.active)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Request fields that the answering offer could not take; empty before the first content."""
        if self.completion is not None:
            return self.completion.ignored
        offer = self._stream.offer
        return () if offer is None else self._ignored_by(offer)

    def _ignored_by(self, offer: Offer) -> tuple[str, ...]:
        number = next(n for n, quote in enumerate(self.question.route.quotes) if quote.offer == offer)
        call = ProviderCall(self.question.request, offer.model, self.hold.grant.output_tokens[number])
        return self.market.providers[offer.provider].ignored(call)

    async def whole(self) -> Completion | None:
        """Wait for the end without reading any event: a reader that leaves early is charged for the input."""
        self._end(await self._stream.last())
        return self.completion

    def _end(self, end: StreamEnd) -> None:
        self._has_ended = True
        if end.error is not None:
            raise end.error

    def stop(self) -> None:
        """End the answer now. The input and the delivered part are charged if a provider has taken the request."""
        self._interrupt(_Interruption.STOPPED)

    def abort(self) -> None:
        """End the answer because the process is stopping: nothing is charged, and the iteration raises Closing."""
        self._interrupt(_Interruption.CLOSING)

    async def leave(self) -> None:
        """Stop, and wait until the hold is captured or void. Cancelling the caller does not shorten the wait."""
        self.stop()
        await uninterrupted(self._task)

    def _interrupt(self, interruption: _Interruption) -> None:
        if self._interruption is None and not self._is_capturing and not self._task.done():
            self._interruption = interruption
            self._task.cancel()

    # --- the task -----------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Find an attempt that answers, capture or void the hold, and only then end the stream."""
        error: Exception | None = None
        try:
            await self._keep(await self._failover.run())
        except asyncio.CancelledError:
            error = await self._interrupted()
        except Exception as failed:  # noqa: BLE001 - the reader gets it
            error = failed
        if self.completion is None:
            error = await self._void() or error
            if error is not None and self.question.siblings is not None:
                self.question.siblings.fail(error)
        self._stream.end(error)

    async def _void(self) -> Exception | None:
        """Void the hold. Return the error if that fails: the hold then expires with its lease at the latest."""
        try:
            await self.hold.void()
        except Exception as failed:  # noqa: BLE001 - the reader gets it
            return failed
        return None

    async def _keep(self, attempt: Attempt) -> None:
        if self.question.siblings is None or await self._awaited(attempt, self.question.siblings):
            await self._capture(attempt, outcomes.ANSWERED, attempt.usage(), attempt.content.events)

    async def _awaited(self, attempt: Attempt, siblings: Siblings) -> bool:
        """Wait until all siblings are complete. Return False, with a part charged, if the reader stops first.

        Raises the error of a sibling, or Closing: the whole bill is waste then.
        """
        error: Exception = Closing()
        try:
            await siblings.wait()
        except asyncio.CancelledError:
            uncancel()
            if self._interruption is _Interruption.STOPPED:
                self._stream.freeze()
                taken = self._stream.taken(attempt.content)
                await self._capture(attempt, outcomes.STOPPED, attempt.usage_of(taken), taken, attempt.usage())
                return False
        except Exception as failed:  # noqa: BLE001 - raised below
            error = failed
        else:
            return True
        await self.market.journal.record(attempt.wasted(outcomes.CLOSING, attempt.usage()))
        raise error

    async def _interrupted(self) -> Exception | None:
        """Keep the delivered part of an active attempt, unless the process is stopping; abandon the other attempts.

        The attempt whose content the reader took is preferred, then one that a provider has taken.
        """
        uncancel()
        self._stream.freeze()
        closing = self._interruption is not _Interruption.STOPPED
        try:
            kept = None if closing else self._paid_attempt()
            for attempt in tuple(self._failover.active):
                if attempt is kept:
                    await self._keep_part(attempt)
                else:
                    await self._failover.abandon(attempt, outcomes.CLOSING if closing else outcomes.ABANDONED)
        except Exception as failed:  # noqa: BLE001 - the reader gets it
            return failed
        return Closing() if closing else None

    def _paid_attempt(self) -> Attempt | None:
        """Return the attempt that a reader pays for when leaving now; None if no provider has taken the request."""
        read = (attempt for attempt in self._failover.active if self._stream.taken(attempt.content))
        return next(read, None) or next((attempt for attempt in self._failover.active if attempt.is_taken), None)

    async def _keep_part(self, attempt: Attempt) -> None:
        """Keep and charge the events that the reader took; the rest of the bill is waste.

        If the content is complete, wait for the bill.
        """
        self.market.health.abandoned(attempt.permit)
        taken = self._stream.taken(attempt.content)
        attempt.detach()
        content = attempt.content
        if content.is_whole or (content.has_content and len(taken) == len(content.events)):
            await attempt.bill(self.market.bill_seconds)
        paid, ordinal = attempt.usage_of(taken), self._failover.next_ordinal()

        def unread() -> AttemptRecord | None:
            return None if attempt.provider.close_stops_bill else attempt.unread(ordinal, paid)

        billed: Usage | None = None
        if attempt.provider.close_stops_bill:
            await attempt.close()
            billed = attempt.usage_of(attempt.content.events)
        try:
            await self._capture(attempt, outcomes.STOPPED, paid, taken, billed)
        finally:
            await self._failover.release(attempt, unread)

    async def _capture(
        self,
        attempt: Attempt,
        outcome: str,
        usage: Usage,
        events: Sequence[ContentEvent],
        billed: Usage | None = None,
    ) -> None:
        self._is_capturing = True
        offer, finish = attempt.quote.offer, self.question.finish
        record = attempt.kept(outcome, usage, billed)
        self._failover.records.append(record)
        stopped = outcome == outcomes.STOPPED
        choices = choices_of(events) or (Choice(""),)
        completion = Completion(
            offer.provider,
            offer.model,
            choices,
            usage,
            stopped=stopped,
            events=tuple(events),
            ignored=tuple(dict.fromkeys((*self._ignored_by(offer), *unmet_fields(self.question.request, choices)))),
        )
        self._kept_receipt = receipt = self._receipt(usage)
        shown = None if self.question.request.is_side_call else receipt
        bill = Bill(record, usage.tokens, attempt.cost_atto(usage), shown)
        try:
            step = await finish(completion, receipt) if finish else None
            self.charge = await self.hold.capture(bill, step)
        except HoldLost as lost:
            lost.was_stopped = stopped
            self._failover.records[-1] = wasted = attempt.wasted(outcome, billed or usage)
            await self.market.journal.record(wasted)
            raise
        self.completion = completion
        self.market.observe(record, tuple(choice.finish.value for choice in choices if choice.finish))

    # --- the receipt --------------------------------------------------------------------------------

    @property
    def receipt(self) -> Receipt:
        """The attempts so far; after the end those of the kept answer, with its price."""
        if self.completion is not None and self._kept_receipt is not None:
            return self._kept_receipt
        return self._receipt(None)

    def _receipt(self, usage: Usage | None) -> Receipt:
        request, route = self.question.request, self.question.route
        return Receipt(
            request_id=request.id,
            asked=request.model,
            answered_at=self.market.clock.now(),
            quotes=tuple(QuoteLine(q.offer.provider, q.offer.model, q.expected, q.last_resort) for q in route.quotes),
            drops=tuple(self._failover.drops),
            attempts=tuple(self._failover.records),
            list_price=self._list_price(usage),
        )

    def _list_price(self, usage: Usage | None) -> Money | None:
        """Return the price of the same tokens at GPT-4o's list price, without cached tokens."""
        price = self.market.catalog.list_price("gpt-4o", self.market.clock.now()) if usage else None
        if price is None or usage is None:
            return None
        return Money.from_atto(price.cost_atto(Usage(usage.input_tokens, usage.output_tokens)))
