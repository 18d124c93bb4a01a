"""Trial: one try at one quote: the provider's stream, timed by its words and put together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.attempt_record import UNREAD, AttemptRecord
from engine.catalog.offers import Quote
from engine.catalog.prices import Price
from engine.chat import ChatRequest, Chunk, Delta, Finished, Usage
from engine.errors import FirstTokenLate, Garbled, ProviderError, Unreachable, WentSilent
from engine.gateway.collected import Collected
from engine.gateway.market import Market
from engine.money import ZERO, Money
from engine.ports import Provider, ProviderCall
from engine.routing.health import Permit
from engine.tenancy import Tenant

_TAIL_SECONDS = 2.0  # for the bill, after the last word: some never send an end marker, nor close
_TIMER_SLACK = 1.1  # silence is noticed at most so much later
LONGEST_SECONDS = 900.0  # nobody answers longer; a provider that only ever thinks is not let to

Emit = Callable[[Delta | Finished], None]


@dataclass(slots=True)
class Trial:
    """One try. `run` raises the ProviderError that ended it; what was said until then stays in `collected`."""

    market: Market
    tenant: Tenant | None
    request: ChatRequest
    quote: Quote
    permit: Permit
    ordinal: int
    output_tokens: int
    collected: Collected = field(init=False)
    started_at: datetime = field(init=False)
    first_token_ms: int | None = None
    _alive: bool = False
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self.collected = Collected(self.output_tokens * self.request.n)
        self.started_at, self._began = self.market.clock.now(), self.market.clock.monotonic()

    @property
    def provider(self) -> Provider:
        return self.market.providers[self.quote.offer.provider]

    async def run(self, emit: Emit) -> None:
        """Pass the answer on, word by word; return when it has properly ended."""
        policy = self.market.policy
        try:
            async with (
                asyncio.timeout(policy.first_token_seconds) as patience,
                self.provider.stream(self._call()) as chunks,
            ):
                await self._read(chunks, patience, emit)
        except TimeoutError:
            if not self._is_whole:
                late = WentSilent if self._alive else FirstTokenLate
                seconds = policy.idle_seconds if self._alive else policy.first_token_seconds
                raise late(f"nothing for {seconds:g} s") from None
        except Unreachable:
            if not self._is_whole:
                raise
        for ending in self.collected.endings():
            emit(ending)

    async def _read(self, chunks: AsyncIterator[Chunk], patience: asyncio.Timeout, emit: Emit) -> None:
        """Only words and thoughts are life: keep-alive comments never come this far."""
        loop, idle_seconds = asyncio.get_running_loop(), self.market.policy.idle_seconds
        ends_at = loop.time() + LONGEST_SECONDS
        async for chunk in chunks:
            if isinstance(chunk, Delta):
                now = loop.time()
                if not self._alive or (patience.when() or 0) < now + idle_seconds:
                    # A timer for each word costs a tenth of all: one is good for many.
                    patience.reschedule(min(ends_at, now + idle_seconds * _TIMER_SLACK))
                if not self._alive:
                    self._alive = True
                    self.market.health.first_token(self.permit)
            self._take(chunk, emit)
            if isinstance(chunk, Finished) and self._is_whole:
                patience.reschedule(loop.time() + min(_TAIL_SECONDS, idle_seconds))

    def _take(self, chunk: Chunk, emit: Emit) -> None:
        if isinstance(chunk, Delta | Finished) and not 0 <= chunk.index < self.request.n:
            raise Garbled(f"choice {chunk.index} of {self.request.n}")
        self.collected.add(chunk)
        if isinstance(chunk, Delta) and chunk.is_word:
            if self.first_token_ms is None:
                self.first_token_ms = self.elapsed_ms
            emit(chunk)

    @property
    def _is_whole(self) -> bool:
        """Nothing but the bill and an end marker can be missing."""
        return self.collected.is_whole(self.request.n)

    @property
    def elapsed_ms(self) -> int:
        return round((self.market.clock.monotonic() - self._began) * 1000)

    def cost_atto(self, usage: Usage) -> int:
        """Unrounded, at the price of this attempt's start; by the model that answered, where it was another."""
        return self._price.cost_atto(usage)

    @property
    def _price(self) -> Price:
        asked, served = self.quote.offer, self.collected.served
        if served in {"", asked.model}:
            return self.quote.price
        book = self.market.catalog.book
        return book.served_price(self.quote.price, asked.provider, served, self.started_at)

    def lost(self, outcome: str, usage: Usage | None = None, error: ProviderError | None = None) -> AttemptRecord:
        """The journal's line for a try whose answer was not kept: its whole cost is waste."""
        cost = Money.from_atto(self.cost_atto(usage)) if usage else ZERO
        return self._journaled(outcome, usage, cost, waste=cost, error=error)

    def unread(self, ordinal: int, paid: Usage, total: Usage) -> AttemptRecord | None:
        """The journal's line for what was billed after the reader had left with `paid`; None where nothing was."""
        cost = Money.from_atto(self.cost_atto(total)) - Money.from_atto(self.cost_atto(paid))
        if cost <= ZERO:
            return None
        rest = Usage(
            max(0, total.input_tokens - paid.input_tokens),
            max(0, total.output_tokens - paid.output_tokens),
            estimated=total.estimated or paid.estimated,
        )
        return replace(self._journaled(UNREAD, rest, cost, waste=cost), ordinal=ordinal)

    def kept(self, outcome: str, usage: Usage, held_tokens: tuple[int, int]) -> AttemptRecord:
        """The journal's line for the answer that was kept.

        `held_tokens` (input, output) bounds what the tenant can pay for: what the bill has over it is waste.
        """
        cost = Money.from_atto(self.cost_atto(usage))
        covered = Money.from_atto(self.cost_atto(_within(usage, *held_tokens)))
        return self._journaled(outcome, usage, cost, waste=max(ZERO, cost - covered), kept=True)

    def _journaled(
        self,
        outcome: str,
        usage: Usage | None,
        cost: Money,
        *,
        waste: Money,
        kept: bool = False,
        error: ProviderError | None = None,
    ) -> AttemptRecord:
        offer = self.quote.offer
        return AttemptRecord(
            request_id=self.request.id,
            ordinal=self.ordinal,
            tenant_id=self.tenant.id if self.tenant else None,
            key_id=self.request.key_id,
            asked=self.request.model,
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
            served=self.collected.served if self.collected.served != offer.model else "",
            status=error.status if error else None,
            detail=error.detail[:200] if error else "",
        )

    def _call(self) -> ProviderCall:
        return ProviderCall(
            request=self.request,
            model=self.quote.offer.model,
            output_tokens=self.output_tokens,
            key=self.permit.key,
        )


def _within(usage: Usage, input_tokens: int, output_tokens: int) -> Usage:
    """The part of a bill that a hold was made for."""
    fits = min(usage.input_tokens, input_tokens)
    return Usage(
        input_tokens=fits,
        output_tokens=min(usage.output_tokens, output_tokens),
        cached_tokens=min(usage.cached_tokens, fits),
        cache_write_tokens=min(usage.cache_write_tokens, fits - min(usage.cached_tokens, fits)),
    )
