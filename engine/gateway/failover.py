"""Failover: the offers of a route attempted in turn until one has answered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from engine.attempt_record import HEDGED, AttemptRecord, DropLine, unanswered
from engine.catalog.offers import Quote
from engine.errors import (
    AnswerCut,
    ContextTooLong,
    NoProvider,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
)
from engine.gateway.answer_stream import AnswerStream
from engine.gateway.attempt import Attempt, uninterrupted
from engine.gateway.attempt_content import text_of, thinking_of
from engine.gateway.free_attempts import started_quote
from engine.gateway.question import Market, Question
from engine.gateway.rejections import is_refused, rejected, report_failure
from engine.holds import Grant
from engine.providers.mending.json_check import WRONG_FORM
from engine.routing.permits import Permit
from engine.routing.plan import Route, plan
from engine.routing.selection import NextAttempt, Pause, Selection


def _ordered(market: Market, quotes: Sequence[Quote]) -> Route:
    """Return the route for these quotes now; not a method, because a reference to the answer would form a cycle."""
    return plan(quotes, (), market.health.status, market.delay_usd_per_second)


@dataclass(slots=True, eq=False)
class Failover:
    """The attempts at one question. The planner chooses each next quote; nothing is charged here.

    `active`: the attempts that are running; code that cancels `run` must release them. `records`: the attempts that
    have ended, for the receipt.
    """

    market: Market
    question: Question
    grant: Grant
    stream: AnswerStream
    records: list[AttemptRecord] = field(default_factory=list)
    active: list[Attempt] = field(default_factory=list)
    _errors: list[ProviderError] = field(default_factory=list)
    _repeated: set[int] = field(default_factory=set)
    _ordinal: int = 0
    selection: Selection = field(init=False)

    def __post_init__(self) -> None:
        self.selection = Selection(self.market.health, self.question.route.quotes, partial(_ordered, self.market))
        for number, limit in enumerate(self.grant.output_tokens):
            if not limit:
                self.selection.leave_out(number, "costs more than the funds left")

    @property
    def drops(self) -> tuple[DropLine, ...]:
        """The offers left out so far, each once, with the reason. Offers that were attempted later are not included."""
        if not self.question.route.drops and not self.selection.drops:
            return ()
        reasons = {drop.offer: drop.reason for drop in (*self.question.route.drops, *self.selection.drops)}
        attempted = {(record.provider, record.model) for record in self.records}
        lines = (DropLine(offer.provider, offer.model, reason) for offer, reason in reasons.items())
        return tuple(line for line in lines if (line.provider, line.model) not in attempted)

    async def run(self) -> Attempt:
        """Return the attempt that answered. Raises RequestRejected, AnswerCut or NoProvider."""
        if self.market.hedging is not None:
            self.market.hedging.count_prompt()
        try:
            while (step := self.selection.next(self.market.clock.monotonic())) is not None:
                if isinstance(step, Pause):
                    await self.market.sleep(step.seconds)
                elif not self._is_long_enough(self.selection.quotes[step.number]):
                    self.market.health.abandoned(step.permit)
                    self.selection.leave_out(step.number, "context too short")
                elif (begun := self._start(step)) and (attempt := await self._attempt(step, begun)) is not None:
                    return attempt
            return await self._give_up()
        except Exception:
            for attempt in tuple(self.active):
                await self.abandon(attempt, HEDGED)
            raise

    def next_ordinal(self) -> int:
        self._ordinal += 1
        return self._ordinal

    async def abandon(self, attempt: Attempt, outcome: str) -> None:
        """Give up waiting for `attempt`: its whole bill is waste."""
        self.market.health.abandoned(attempt.permit)
        await self.release(attempt, lambda: attempt.wasted(outcome, attempt.wasted_usage()))

    async def release(self, attempt: Attempt, record: Callable[[], AttemptRecord | None]) -> None:
        """Close `attempt`, or read it on in the background if closing does not stop its bill; then journal `record`."""
        attempt.detach()
        self.active.remove(attempt)

        async def journal() -> None:
            if (line := record()) is not None:
                await self._journal(line)

        close_stops_bill = attempt.task.done() or attempt.provider.close_stops_bill
        if close_stops_bill or not self.market.background_reads.take(attempt.task, journal):
            await uninterrupted(asyncio.create_task(_close(attempt, journal)))

    def _is_long_enough(self, quote: Quote) -> bool:
        """Return whether this offer's context is longer than all those that were too short."""
        known = [error.context_tokens or 0 for error in self._errors if isinstance(error, ContextTooLong)]
        return not known or quote.context_tokens is None or quote.context_tokens > max(known)

    def _start(self, choice: NextAttempt) -> Attempt | None:
        quote: Quote | None = (planned := self.selection.quotes[choice.number])
        if not planned.free:
            self.selection.begin(choice.number)
        elif (quote := started_quote(self.market, self.question, self.grant, self.selection, choice)) is None:
            return None
        assert quote is not None
        limit = self.grant.output_tokens[choice.number]
        attempt = Attempt(self.market, self.question, quote, choice.permit, self.next_ordinal(), limit, self.stream)
        self.active.append(attempt)
        return attempt

    async def _attempt(self, choice: NextAttempt, attempt: Attempt) -> Attempt | None:
        if self.market.hedging is not None and (rival := await self._hedge(choice, attempt)) is not None:
            return await self._race((choice, attempt), rival)
        return await self._finish(choice, attempt)

    async def _finish(self, choice: NextAttempt, attempt: Attempt) -> Attempt | None:
        """Wait for the end, and return the attempt if it answered. A failure is reported to health and journaled."""
        try:
            error = await attempt.outcome()
        except Exception:
            self.market.health.abandoned(attempt.permit)
            self.active.remove(attempt)
            raise
        self.active.remove(attempt)
        if error is None:
            self._succeeded(attempt)
            return attempt
        outcome = report_failure(self.market.health, attempt.permit, self.question.request, error)
        await self._journal(attempt.wasted(outcome, attempt.wasted_usage(), error))
        if (again := self._repeat(choice.number, attempt.quote, error)) is not None:
            return await self._finish(*again)
        self._errors.append(error)
        self._after_failure(attempt, error)
        seconds, now = attempt.elapsed_ms / 1000, self.market.clock.monotonic()
        self.selection.failed(choice, error, seconds=seconds, was_shown=attempt.is_shown, now=now)
        return None

    def _repeat(self, number: int, quote: Quote, error: ProviderError) -> tuple[NextAttempt, Attempt] | None:
        """Start a second attempt at an offer whose answer does not fit the schema; None if that was the second."""
        permit = None
        if error.detail == WRONG_FORM and number not in self._repeated:
            self._repeated.add(number)
            permit = self.market.health.admit(quote.offer, quote.expected_tokens, repeat=True, free=quote.free)
        again = NextAttempt(number, permit) if isinstance(permit, Permit) else None
        begun = self._start(again) if again else None
        return (again, begun) if again and begun else None

    # --- success ------------------------------------------------------------------------------------

    def _succeeded(self, attempt: Attempt) -> None:
        limits = attempt.provider.limits(attempt.permit.key)
        self.market.health.succeeded(attempt.permit, attempt.first_token_ms, limits)
        if self.market.hedging is not None and attempt.first_token_ms is not None:
            self.market.hedging.observe(attempt.quote.offer, attempt.first_token_ms)
        self._learn(attempt)

    def _learn(self, attempt: Attempt) -> None:
        """Teach the catalog the token sizes from the reported usage, and that the provider has cached the prompt."""
        usage = attempt.usage()
        if not usage.estimated:
            request, offer, catalog = self.question.request, attempt.quote.offer, self.market.catalog
            text, asker_id = text_of(attempt.content.events), self.question.asker_id
            catalog.learn(request, offer, usage, text, asker_id, is_cut=attempt.content.is_cut)
            hides_thinking = usage.reasoning_tokens > 0 and not thinking_of(attempt.content.events)
            if attempt.first_token_ms is not None and hides_thinking:
                catalog.sizes.thinking_speeds.learn(offer, usage.reasoning_tokens, attempt.first_token_ms / 1000)
            catalog.remember(request, offer, usage, self.market.clock.now(), asker_id)

    # --- hedging ------------------------------------------------------------------------------------

    async def _hedge(self, choice: NextAttempt, attempt: Attempt) -> tuple[NextAttempt, Attempt] | None:
        """Start a second attempt if the first token is late.

        Return None if it is in time, or if no other offer is allowed.
        """
        hedging = self.market.hedging
        if hedging is None or self.stream.has_begun:
            return None
        wait_seconds = hedging.wait_seconds(attempt.quote.offer)
        if wait_seconds is None or await attempt.shown_or_done(wait_seconds):
            return None
        for number, quote in enumerate(self.selection.quotes[choice.number + 1 :], choice.number + 1):
            if not self.selection.is_fresh(number) or quote.last_resort:
                continue
            permit = self.market.health.admit(quote.offer, quote.expected_tokens, free=quote.free)
            if isinstance(permit, Permit):
                if not hedging.take():
                    self.market.health.abandoned(permit)
                    return None
                rival = NextAttempt(number, permit)
                return (rival, begun) if (begun := self._start(rival)) else None
        return None

    async def _race(self, one: tuple[NextAttempt, Attempt], other: tuple[NextAttempt, Attempt]) -> Attempt | None:
        """Keep the attempt with the first content; the other's bill is waste. If one fails, wait for the other."""
        one[1].rivals, other[1].rivals = (other[1],), (one[1],)
        waits = [asyncio.create_task(attempt.shown_or_done()) for _, attempt in (one, other)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for first, second in ((one, other), (other, one)):
            if first[1].has_failed:
                return await self._finish_second(first, second)
        winner, loser = (one, other) if one[1].is_shown else (other, one)
        await self.abandon(loser[1], HEDGED)
        return await self._finish(*winner)

    async def _finish_second(
        self, failed: tuple[NextAttempt, Attempt], other: tuple[NextAttempt, Attempt]
    ) -> Attempt | None:
        """Report the failed attempt and wait for the other one.

        A refusal ends the prompt unless the other is streaming.
        """
        try:
            await self._finish(*failed)
        except RequestRejected:
            if other[1].is_shown and (answered := await self._finish(*other)) is not None:
                return answered
            raise
        return await self._finish(*other)

    # --- failure ------------------------------------------------------------------------------------

    def _after_failure(self, attempt: Attempt, error: ProviderError) -> None:
        """Teach the catalog from `error`; raise an error if no further offer shall be attempted."""
        quote, now = attempt.quote, self.market.clock.now()
        if isinstance(error, RateLimited) and quote.free:
            seconds, key = error.retry_after_seconds, attempt.permit.key
            self.market.catalog.free.refused(quote.offer, now, seconds, per_day=error.per_day, key=key)
        if isinstance(error, ContextTooLong) and error.is_certain:
            self.market.catalog.teach_context(quote.offer, error.context_tokens, quote.input_tokens, now)
        if isinstance(error, RequestFault):
            self._after_fault(quote, error)
        if attempt.is_shown and not self.question.can_restart:
            raise AnswerCut(quote.offer.provider, error.outcome)

    def _after_fault(self, quote: Quote, error: RequestFault) -> None:
        """Allow the request one more offer: of another dialect if there is one, else of another provider.

        Raises RequestRejected for moderation and for the second refusal.
        """
        if error.moderation or sum(isinstance(each, RequestFault) for each in self._errors) > 1:
            raise rejected(quote.offer.provider, error)
        quotes, dialect = self.question.route.quotes, self._dialect(quote)
        others = {
            number
            for number, each in enumerate(quotes)
            if self.selection.is_fresh(number)
            and each.offer.provider != quote.offer.provider
            and not self.market.health.status(each.offer).reason
        }
        foreign = {number for number in others if self._dialect(quotes[number]) != dialect}
        self.selection.keep_only(foreign or others, f"{quote.offer.provider} refused the request")

    def _dialect(self, quote: Quote) -> str:
        return self.market.providers[quote.offer.provider].dialect

    async def _give_up(self) -> Attempt:
        tried = tuple(f"{record.provider}: {record.outcome}" for record in self.records)
        if self.stream.has_begun:
            raise AnswerCut(self.records[-1].provider, self.records[-1].outcome)
        if is_refused(self.question.request, [record.provider for record in self.records], self._errors):
            raise rejected(self.records[-1].provider, self._errors[-1])
        ordinal, now = self.next_ordinal(), self.market.clock.now()
        await self.market.journal.record(
            unanswered(self.question.tenant_id, self.question.request, ordinal=ordinal, now=now)
        )
        raise NoProvider(self.selection.retry_after_seconds, tried, self.question.route.left_out)

    async def _journal(self, record: AttemptRecord) -> None:
        self.records.append(record)
        await self.market.journal.record(record)
        self.market.observe(record)


async def _close(attempt: Attempt, journal: Callable[[], Awaitable[None]]) -> None:
    await attempt.close()
    await journal()
