"""Walk: the route tried in its order, until one has answered. It never chooses, and it charges nobody."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.attempt_record import HEDGED, AttemptRecord, DropLine, unanswered
from engine.catalog.offers import Quote
from engine.chat import ChatRequest, Delta, Finished, Usage
from engine.errors import (
    AnswerCut,
    BalanceGone,
    CapabilityMissing,
    ContextTooLong,
    KeyRefused,
    NoProvider,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
    TooBigForNow,
)
from engine.gateway.answer_stream import AnswerStream
from engine.gateway.collected import Bounds, partial_usage, whole_usage
from engine.gateway.market import Market
from engine.gateway.running import Running
from engine.gateway.trial import Trial
from engine.holds import Grant
from engine.routing.health import Permit
from engine.routing.plan import Route
from engine.tenancy import Tenant

Line = Callable[[], AttemptRecord | None]
"""What the journal is told of a trial, when it has ended."""

_OF_ONE_KEY = (RateLimited, KeyRefused, BalanceGone)
_OF_THE_REQUEST = (ContextTooLong, CapabilityMissing, TooBigForNow)


@dataclass(slots=True, eq=False)
class Failover:
    """One walk along a route. `running`: the trials under way; whoever interrupts the walk sees to them."""

    market: Market
    tenant: Tenant
    request: ChatRequest
    route: Route
    grant: Grant
    input_tokens: int
    showing: AnswerStream
    can_restart: bool
    attempts: list[AttemptRecord] = field(default_factory=list)
    drops: list[DropLine] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    _errors: list[ProviderError] = field(default_factory=list)
    _begun: int = 0
    _asked: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.drops += [DropLine(d.offer.provider, d.offer.model, d.reason) for d in self.route.drops]

    async def go(self) -> Trial:
        """The trial that has answered. Raises RequestRejected, AnswerCut or NoProvider."""
        if self.market.hedging is not None:
            self.market.hedging.prompt()
        try:
            while (quote := self._next()) is not None:
                position = self.route.quotes.index(quote)
                limit = self.grant.output_tokens[position]
                if not limit:
                    self._drop(quote, "dearer than what is left")
                elif (trial := await self._try_keys(position, quote, limit)) is not None:
                    return trial
                self._asked.add(position)
            return await self._give_up()
        except Exception:
            for running in tuple(self.running):
                await self.lose(running, HEDGED)
            raise

    def _next(self) -> Quote | None:
        """The best of those that were not asked: what was learned since the last try may have changed their order."""
        left = [quote for number, quote in enumerate(self.route.quotes) if number not in self._asked]
        route = self.market.plan(left)
        if route.quotes:
            return route.quotes[0]
        for drop in route.drops:
            self.drops.append(DropLine(drop.offer.provider, drop.offer.model, drop.reason))
        return None

    def bounds(self, trial: Trial) -> Bounds:
        """What was held for this trial."""
        return Bounds(self.input_tokens, self.request.n * trial.output_tokens)

    def next_ordinal(self) -> int:
        self._begun += 1
        return self._begun

    async def lose(self, running: Running, outcome: str) -> None:
        """Nobody waits for this one any more: its whole bill is waste."""
        trial = running.trial
        self.market.health.abandoned(trial.permit)
        await self.let_go(running, lambda: trial.lost(outcome, self._usage_of(trial)))

    async def let_go(self, running: Running, line: Line) -> None:
        """Hang up where that stops the bill, else have it read to its end; the journal gets `line` then."""
        running.heard = False
        self.running.remove(running)

        async def then() -> None:
            if (attempt := line()) is not None:
                await self._journal(attempt)

        stops = running.task.done() or running.trial.provider.close_stops_bill
        if stops or not self.market.background_reads.take(running.task, then):
            await running.hang_up()
            await then()

    async def _try_keys(self, position: int, quote: Quote, limit: int) -> Trial | None:
        """Try one quote, with another key of the same provider where only the key was at fault."""
        if not self._is_long_enough(quote):
            self._drop(quote, "context too short")
            return None
        used: set[int] = set()
        while True:
            repeat = not used and self._has_failed(quote.offer.provider)
            permit = self.market.health.admit(quote.offer, quote.expected_tokens, repeat=repeat)
            if not isinstance(permit, Permit):
                self._drop(quote, permit.reason)
                return None
            if permit.key in used:
                self.market.health.abandoned(permit)
                return None
            used.add(permit.key)
            self._asked.add(position)
            trial = await self._try(position, self._begin(quote, permit, limit))
            if trial is not None:
                return trial
            if not isinstance(self._errors[-1], _OF_ONE_KEY):
                return None

    def _has_failed(self, provider: str) -> bool:
        """True where this provider failed this very prompt: asking it again needs its retry budget."""
        return any(attempt.provider == provider for attempt in self.attempts)

    def _begin(self, quote: Quote, permit: Permit, limit: int) -> Running:
        if quote.free:
            self.market.catalog.free.use(quote.offer, self.market.clock.now())
        trial = Trial(self.market, self.tenant, self.request, quote, permit, self.next_ordinal(), limit)
        running = Running(trial, self._emit)
        self.running.append(running)
        return running

    def _emit(self, running: Running, event: Delta | Finished) -> None:
        self.showing.put(running.trial, event)

    async def _try(self, position: int, running: Running) -> Trial | None:
        rival = await self._rival(position, running)
        if rival is not None:
            return await self._race(running, rival)
        return await self._finish(running)

    async def _finish(self, running: Running) -> Trial | None:
        """The trial, if it answers; a failure is told to health and journaled."""
        trial = running.trial
        try:
            error = await running.outcome()
        except Exception:
            self.market.health.abandoned(trial.permit)
            self.running.remove(running)
            raise
        self.running.remove(running)
        if error is None:
            self._succeeded(trial)
            return trial
        self.market.health.failed(trial.permit, error)
        await self._journal(trial.lost(error.outcome, self._usage_of(trial), error))
        self._errors.append(error)
        self._after_failure(trial.quote, error)
        return None

    def _succeeded(self, trial: Trial) -> None:
        limits = trial.provider.limits(trial.permit.key)
        self.market.health.succeeded(trial.permit, trial.first_token_ms, limits)
        if self.market.hedging is not None and trial.first_token_ms is not None:
            self.market.hedging.heard(trial.quote.offer, trial.first_token_ms)
        self._learn(trial)

    def _learn(self, trial: Trial) -> None:
        """What its bill teaches of sizes, and that the prompt lies in its provider's cache now."""
        usage = whole_usage(self.request, trial.collected, self.bounds(trial))
        if not usage.estimated:
            offer, catalog = trial.quote.offer, self.market.catalog
            catalog.learn(self.request, offer, usage, trial.collected.words, self.tenant.id)
            catalog.remember(self.request, offer, usage, self.market.clock.now())

    # --- hedging ------------------------------------------------------------------------------------

    async def _rival(self, position: int, running: Running) -> Running | None:
        """A second trial when the first word is late; None when there is no need, or nobody may be asked."""
        hedging = self.market.hedging
        if hedging is None or self.showing.has_begun:
            return None
        patience = hedging.patience_seconds(running.trial.quote.offer)
        if patience is None or await running.speaks_or_ends(patience):
            return None
        for number in range(position + 1, len(self.route.quotes)):
            quote, limit = self.route.quotes[number], self.grant.output_tokens[number]
            if not limit or number in self._asked or quote.last_resort:
                continue
            permit = self.market.health.admit(quote.offer, quote.expected_tokens)
            if isinstance(permit, Permit):
                if not hedging.take():
                    self.market.health.abandoned(permit)
                    return None
                self._asked.add(number)
                return self._begin(quote, permit, limit)
        return None

    async def _race(self, one: Running, other: Running) -> Trial | None:
        """The first word wins; the loser's bill is waste. One that fails leaves the other to go on."""
        one.rivals, other.rivals = (other,), (one,)
        waits = [asyncio.create_task(each.speaks_or_ends()) for each in (one, other)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        first, second = (one, other) if one.spoke.is_set() or one.task.done() else (other, one)
        if first.spoke.is_set() or first.task.exception() is None:
            await self.lose(second, HEDGED)
            return await self._finish(first)
        return await self._finish(first) or await self._finish(second)

    # --- failures -----------------------------------------------------------------------------------

    def _usage_of(self, trial: Trial) -> Usage | None:
        """What a failed try cost the house: as reported, else estimated where words had come."""
        if trial.collected.usage is None and not trial.collected.has_words:
            return None
        return partial_usage(self.request, trial.collected.usage, trial.collected, self.bounds(trial))

    def _after_failure(self, quote: Quote, error: ProviderError) -> None:
        """What ends the walk at once; otherwise the next quote is tried."""
        if isinstance(error, RateLimited) and quote.free:
            free, now = self.market.catalog.free, self.market.clock.now()
            free.refused(quote.offer, now, error.retry_after_seconds, per_day=error.per_day)
        if isinstance(error, ContextTooLong):
            self.market.catalog.teach_context(quote.offer, error.context_tokens, quote.input_tokens)
        if isinstance(error, RequestFault):
            raise RequestRejected(quote.offer.provider, error.detail, moderation=error.moderation)
        if self.showing.has_begun and not self.can_restart:
            raise AnswerCut(quote.offer.provider, error.outcome)

    async def _give_up(self) -> Trial:
        tried = tuple(f"{attempt.provider}: {attempt.outcome}" for attempt in self.attempts)
        if self.showing.has_begun:
            raise AnswerCut(self.attempts[-1].provider, self.attempts[-1].outcome)
        if self._errors and all(isinstance(error, _OF_THE_REQUEST) for error in self._errors):
            raise RequestRejected(self.attempts[-1].provider, self._errors[-1].detail)
        line = unanswered(self.tenant, self.request, ordinal=self.next_ordinal(), now=self.market.clock.now())
        await self.market.journal.record(line)
        raise NoProvider(self.market.health.smallest_rest_seconds(), tried)

    def _is_long_enough(self, quote: Quote) -> bool:
        """True when this offer's context is longer than every one that was too short."""
        known = [error.context_tokens or 0 for error in self._errors if isinstance(error, ContextTooLong)]
        return not known or quote.context_tokens is None or quote.context_tokens > max(known)

    async def _journal(self, attempt: AttemptRecord) -> None:
        self.attempts.append(attempt)
        await self.market.journal.record(attempt)

    def _drop(self, quote: Quote, reason: str) -> None:
        self.drops.append(DropLine(quote.offer.provider, quote.offer.model, reason))
