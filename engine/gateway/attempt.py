"""Attempt: one call of a provider, in a task of its own."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.attempt_record import MOST_DETAIL_CHARS, UNREAD, AttemptRecord
from engine.catalog.offers import Quote
from engine.chat import Chunk, Usage
from engine.errors import FirstTokenLate, ProviderError, StreamCut, Unreachable, WentSilent
from engine.gateway.answer_stream import AnswerStream
from engine.gateway.attempt_content import AttemptContent, ContentEvent, text_of, thinking_of
from engine.gateway.attempt_cost import caches_prefix, cost_atto
from engine.gateway.market import Market
from engine.gateway.question import Question
from engine.gateway.usage import Bounds, Delivered, partial_usage, unpaid_usage, whole_usage
from engine.money import ZERO, Money
from engine.ports import Provider, ProviderCall
from engine.providers.mending.json_check import schema_to_check
from engine.routing.permits import Permit, patience_seconds

_TAIL_SECONDS = 2.0  # for the usage, after the last content: some providers send no end marker and do not close
_TIMER_SLACK = 1.1  # silence is noticed at most so many times later: the timer is not reset for each delta
LONGEST_SECONDS = 900.0  # of one answer; a provider that sends nothing but reasoning is cut off then


@dataclass(slots=True, eq=False)
class Attempt:
    """One call of a provider. Its task runs on when a waiter is cancelled; `close` ends it.

    The task raises the ProviderError that ended it; the content that came until then stays in `content`. Events go to
    `stream`, which is None where no reader waits for them. The first content of one attempt detaches its `rivals`.
    """

    market: Market
    question: Question
    quote: Quote
    permit: Permit
    ordinal: int
    output_tokens: int
    stream: AnswerStream | None = None
    rivals: tuple["Attempt", ...] = ()
    content: AttemptContent = field(init=False)
    started_at: datetime = field(init=False)
    first_token_ms: int | None = None
    is_shown: bool = False
    is_taken: bool = False  # the response's headers have come: the provider bills the input
    task: asyncio.Task[None] = field(init=False)
    _started_seconds: float = field(init=False)
    _patience_seconds: float = field(init=False)
    _timer: asyncio.Timeout = field(init=False)
    _times_out_at: float = 0.0
    _ends_at: float = 0.0
    _is_alive: bool = False
    _was_whole: bool = False
    _shown_or_done: asyncio.Event = field(default_factory=asyncio.Event)
    _chunk_or_done: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        request, clock = self.question.request, self.market.clock
        schema = schema_to_check(self.provider, self._call()) if request.options.wants_json else None
        most_tokens = self.output_tokens * request.n
        self.content = AttemptContent(self.quote.offer, request.n, most_tokens, schema)
        self.started_at, self._started_seconds = clock.now(), clock.monotonic()
        effort = request.options.reasoning_effort
        self._patience_seconds = patience_seconds(self.market.policy, self.quote.offer.model, effort)
        self.market.health.expect_thinking(self.permit, effort)
        self.task = asyncio.create_task(self._run(), name=f"{self.quote.offer.name} for {request.id}")

    @property
    def provider(self) -> Provider:
        return self.market.providers[self.quote.offer.provider]

    @property
    def bounds(self) -> Bounds:
        """The tokens that were held for this attempt."""
        input_tokens = self.quote.input_ceiling_tokens or self.question.input_ceiling_tokens
        return Bounds(input_tokens, self.question.request.n * self.output_tokens)

    @property
    def has_failed(self) -> bool:
        return self.task.done() and self.task.exception() is not None

    @property
    def elapsed_ms(self) -> int:
        return round((self.market.clock.monotonic() - self._started_seconds) * 1000)

    # --- waiting ------------------------------------------------------------------------------------

    async def outcome(self) -> ProviderError | None:
        """Wait for the end; return None when it has answered. Raises any error that is not a ProviderError."""
        await asyncio.wait({self.task})
        error = self.task.exception()
        if error is None or isinstance(error, ProviderError):
            return error
        raise error

    async def shown_or_done(self, seconds: float | None = None) -> bool:
        """Wait until its content is shown or it has ended. Returns False when neither came in `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._shown_or_done.wait()
        except TimeoutError:
            return False
        return True

    async def bill(self, seconds: float) -> None:
        """Wait for the usage after the last content, at most `seconds`; return at once when the answer goes on."""
        deltas = self.content.deltas
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (self.task.done() or self.content.deltas > deltas or self.content.is_billed):
                    self._chunk_or_done.clear()
                    await self._chunk_or_done.wait()

    def detach(self) -> None:
        """Send no more events to the reader; the call goes on."""
        self.stream = None

    async def close(self) -> None:
        """Detach, and close the connection; returns when it is closed."""
        self.detach()
        self.task.cancel()
        await asyncio.wait({self.task})
        if not self.task.cancelled():
            self.task.exception()  # retrieved, so that asyncio does not log it

    async def _run(self) -> None:
        try:
            await self._stream()
            self.content.finish()
            self._notify()
        finally:
            if self.stream is not None and not self.is_shown:
                self.stream.withdraw(self.content)
            self._shown_or_done.set()
            self._chunk_or_done.set()

    async def _stream(self) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds) as self._timer:
                await self.provider.stream(self._call(), self)
        except TimeoutError:
            if not self.content.is_whole:
                late = WentSilent if self._is_alive else FirstTokenLate
                seconds = self.market.policy.idle_seconds if self._is_alive else self._patience_seconds
                raise late(f"nothing for {seconds:g} s") from None
        except ProviderError as error:
            if self.content.is_whole:  # an error or garbage after the end takes nothing away
                return
            if isinstance(error, Unreachable) and self._is_alive:
                raise StreamCut(error.detail) from error
            raise

    # --- the sink of the provider's answer ------------------------------------------------------------

    def taken(self) -> None:
        """Note that the provider has taken the request, and bills its input."""
        self.is_taken = True
        self._ends_at = asyncio.get_running_loop().time() + LONGEST_SECONDS

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Take the chunks of one network read. Content and reasoning reset the idle timeout, comments do not."""
        content = self.content
        deltas, known_events, has_content = content.deltas, len(content.events), content.add_all(chunks)
        self._extend_timeout(has_deltas=content.deltas > deltas)
        if content.deltas and not self._is_alive:
            self._is_alive = True
            self.market.health.first_token(self.permit)
        if has_content:
            if self.first_token_ms is None:
                self.first_token_ms = self.elapsed_ms
            self._notify()
        elif len(content.events) > known_events:
            self._notify_thinking()
        self._chunk_or_done.set()

    def _extend_timeout(self, *, has_deltas: bool) -> None:
        """Wait for more: as long as a silence may be, or for the usage alone where the answer is whole."""
        now, idle_seconds = asyncio.get_running_loop().time(), self.market.policy.idle_seconds
        if self._timer.expired():
            return
        is_at_end = self.content.is_whole and not self._was_whole
        self._was_whole = self.content.is_whole
        if is_at_end:
            self._times_out_at = now + min(_TAIL_SECONDS, idle_seconds)
            self._timer.reschedule(self._times_out_at)
        elif has_deltas and self._times_out_at < now + idle_seconds:
            self._times_out_at = min(self._ends_at, now + idle_seconds * _TIMER_SLACK)
            self._timer.reschedule(self._times_out_at)

    def _notify_thinking(self) -> None:
        """Pass new reasoning on to the stream, which holds it back unless its reader waits for it."""
        if self.is_shown:
            self._notify()
        elif self.stream is not None:
            self.stream.show_thinking(self.content)

    def _notify(self) -> None:
        """Pass a new event on to the stream."""
        if self.stream is not None:
            if not self.is_shown:
                self._show(self.stream)
            self.stream.notify()

    def _show(self, stream: AnswerStream) -> None:
        for rival in self.rivals:
            rival.detach()
        self.rivals, self.is_shown = (), True
        stream.show(self.content)
        self._shown_or_done.set()

    def _call(self) -> ProviderCall:
        caches, model = caches_prefix(self.market, self.question, self.quote), self.quote.offer.model
        return ProviderCall(self.question.request, model, self.output_tokens, self.permit.key, caches)

    # --- usage, cost and records --------------------------------------------------------------------

    def usage(self) -> Usage:
        """Return the usage of the whole answer."""
        delivered = self._delivered(self.content.events)
        return whole_usage(self.question.request, self.content.usage, delivered, self.bounds)

    def usage_of(self, events: Sequence[ContentEvent]) -> Usage:
        """Return the usage of an answer that ended early, after `events`."""
        return partial_usage(self.question.request, self.content.usage, self._delivered(events), self.bounds)

    def wasted_usage(self) -> Usage | None:
        """Return the usage of an answer that is not kept; None where the provider bills nothing.

        It bills a request that it has taken, unless it reported a failure before anything else.
        """
        content = self.content
        if content.usage is None and not content.deltas and not (self.is_taken and self._is_unreported):
            return None
        return self.usage_of(content.events)

    @property
    def _is_unreported(self) -> bool:
        """True unless the provider itself ended the attempt with a failure."""
        if not self.task.done() or self.task.cancelled():
            return True
        return isinstance(self.task.exception(), FirstTokenLate | None)

    def _delivered(self, events: Sequence[ContentEvent]) -> Delivered:
        sizes, offer, seconds = self.market.catalog.sizes, self.quote.offer, (self.first_token_ms or 0) / 1000
        learned = (sizes.thinking_times(offer), sizes.thinking_speeds.tokens(offer, seconds))
        return Delivered(text_of(events), thinking_of(self.content.events), *learned)

    def cost_atto(self, usage: Usage) -> int:
        """Return the unrounded cost of `usage`."""
        book, served = self.market.catalog.book, self.content.served
        return cost_atto(book, self.quote, usage, served=served, at=self.started_at)

    def cost(self, usage: Usage) -> Money:
        return Money.from_atto(self.cost_atto(usage))

    def wasted(self, outcome: str, usage: Usage | None = None, error: ProviderError | None = None) -> AttemptRecord:
        """Return the record of an attempt that was not kept: its whole cost is waste."""
        cost = self.cost(usage) if usage else ZERO
        return self._record(outcome, usage, cost=cost, waste=cost, error=error)

    def unread(self, ordinal: int, paid: Usage) -> AttemptRecord | None:
        """Return the record of the part billed after the reader had left with `paid`; None where nothing was."""
        total = self.usage_of(self.content.events)
        cost = self.cost(total) - self.cost(paid)
        if cost <= ZERO:
            return None
        return replace(self._record(UNREAD, unpaid_usage(total, paid), cost=cost, waste=cost), ordinal=ordinal)

    def kept(self, outcome: str, usage: Usage, billed: Usage | None = None) -> AttemptRecord:
        """Return the record of the answer that was kept. Cost beyond `usage` and the bounds of its hold is waste.

        `billed`: the tokens that the provider bills, where they are more than those of the kept part.
        """
        paid, bounds = self.cost(usage), self.bounds
        covered = min(paid, bounds.most_cost(self.quote.price) if usage.cost_usd else self.cost(bounds.covered(usage)))
        cost = paid if billed is None else max(paid, self.cost(billed))
        return self._record(outcome, usage, cost=cost, waste=cost - covered, kept=True)

    def _record(
        self,
        outcome: str,
        usage: Usage | None,
        *,
        cost: Money,
        waste: Money,
        kept: bool = False,
        error: ProviderError | None = None,
    ) -> AttemptRecord:
        offer, request, served = self.quote.offer, self.question.request, self.content.served
        return AttemptRecord(
            request_id=request.id,
            ordinal=self.ordinal,
            tenant_id=self.question.tenant_id,
            key_id=request.key_id,
            asked=request.model,
            provider=offer.provider,
            model=offer.model,
            outcome=outcome,
            started_at=self.started_at,
            duration_ms=self.elapsed_ms,
            first_token_ms=self.first_token_ms,
            usage=usage,
            cost=cost,
            waste=waste,
            kept=kept,
            served=served if served != offer.model else "",
            status=error.status if error else None,
            detail=error.detail[:MOST_DETAIL_CHARS] if error else "",
        )
