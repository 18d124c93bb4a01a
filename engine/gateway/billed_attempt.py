"""BilledAttempt: usage, cost and journal records of one call of a provider, during the call or after it.

Usage is the provider's report, or else an estimate from the text, which is marked as estimated.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from engine.attempt_record import MOST_DETAIL_CHARS, UNREAD, AttemptRecord
from engine.catalog.offers import Price, Quote
from engine.catalog.price_book import PriceBook
from engine.catalog.token_counts import estimate, estimate_text
from engine.chat import ChatRequest, Usage
from engine.errors import FirstTokenLate, ProviderError
from engine.gateway.attempt_content import AttemptContent, ContentEvent, text_of, thinking_of
from engine.gateway.question import Market, Question
from engine.money import ZERO, Money, reported_atto
from engine.ports import Provider
from engine.routing.permits import Permit

MOST_TOKENS = 20_000_000  # no model reads or writes this much: a larger report is an error
_TOLERANCE_TIMES, _TOLERANCE_TOKENS = 4, 10_000  # how far a credible report may exceed the bounds of its request


class Bounds(Struct, frozen=True):
    """The most tokens that the hold of a request covers: input, and output of all choices."""

    input_tokens: int
    output_tokens: int

    def allow(self, usage: Usage) -> bool:
        """Return False if `usage` exceeds the bounds so far that the report must be wrong."""
        return (
            usage.input_tokens <= self.input_tokens * _TOLERANCE_TIMES + _TOLERANCE_TOKENS
            and usage.output_tokens <= self.output_tokens * _TOLERANCE_TIMES + _TOLERANCE_TOKENS
        )

    def contain(self, usage: Usage) -> bool:
        """Return whether all of `usage` lies within the bounds."""
        is_within = usage.input_tokens <= self.input_tokens and usage.output_tokens <= self.output_tokens
        return is_within and usage.cost_usd is None

    def covered(self, usage: Usage) -> Usage:
        """Return the part of `usage` that lies within the bounds."""
        input_tokens = min(usage.input_tokens, self.input_tokens)
        cached_tokens = min(usage.cached_tokens, input_tokens)
        return Usage(
            input_tokens=input_tokens,
            output_tokens=min(usage.output_tokens, self.output_tokens),
            cached_tokens=cached_tokens,
            cache_write_tokens=min(usage.cache_write_tokens, input_tokens - cached_tokens),
        )

    def most_cost(self, price: Price) -> Money:
        """Return the highest cost of these tokens at `price`, rounded up like a hold."""
        input_atto, output_atto = price.ceiling(self.input_tokens)
        return Money.ceil_atto(self.input_tokens * input_atto + self.output_tokens * output_atto)


class Delivered(Struct, frozen=True):
    """The part of an answer to charge, as its provider sent it: `text`, and the reasoning sent with it.

    If no reasoning was sent, it is estimated in two ways, of which the larger counts. `thinking_times`: tokens that
    this offer usually bills for one visible token. `unsent_tokens`: the reasoning expected for the time before the
    first token.
    """

    text: str
    thinking: str = ""
    thinking_times: float = 1.0
    unsent_tokens: int = 0

    @property
    def sent_tokens(self) -> int:
        """The estimated tokens of the text and the reasoning that the provider sent."""
        return estimate_text(self.text) + estimate_text(self.thinking)

    @property
    def output_tokens(self) -> int:
        """The estimated output tokens, including reasoning that the provider did not send."""
        sent = self.sent_tokens
        return sent if self.thinking else max(round(sent * max(1.0, self.thinking_times)), sent + self.unsent_tokens)


def whole_usage(request: ChatRequest, reported: Usage | None, delivered: Delivered, bounds: Bounds) -> Usage:
    """Return the usage of a complete answer: the report, or an estimate if it is missing or not credible.

    A bill in dollars that the provider reports is used in either case.
    """
    if reported is not None and is_credible(reported, bounds):
        return reported
    estimated = estimated_usage(request, delivered, bounds)
    if reported is None:
        return estimated
    estimated = replace(estimated, cost_usd=reported.cost_usd)
    has_output = 0 < reported.output_tokens <= bounds.output_tokens and not reported.is_disputed
    if reported.input_tokens == 0 and has_output:  # some proxies report no input (CometAPI)
        return replace(estimated, output_tokens=reported.output_tokens, reasoning_tokens=reported.reasoning_tokens)
    return estimated


def partial_usage(request: ChatRequest, reported: Usage | None, delivered: Delivered, bounds: Bounds) -> Usage:
    """Return the usage of an answer that ended early: the report, else an estimate.

    Some providers report the input at the start and the output only at the end: then only the output is estimated.
    """
    estimated = estimated_usage(request, delivered, bounds)
    if reported is None or not is_credible(reported, bounds):
        return estimated
    if reported.output_tokens * 2 >= min(delivered.sent_tokens, bounds.output_tokens):
        return reported
    return replace(reported, output_tokens=estimated.output_tokens, estimated=True, cost_usd=None)


def estimated_usage(request: ChatRequest, delivered: Delivered, bounds: Bounds) -> Usage:
    """Estimate the tokens of `request` and of its answer from their bytes, within `bounds`."""
    input_tokens = min(estimate(request), bounds.input_tokens)
    return Usage(input_tokens, min(delivered.output_tokens, bounds.output_tokens), estimated=True)


def unpaid_usage(total: Usage, paid: Usage) -> Usage:
    """Return the tokens of `total` that are not part of `paid`."""
    return Usage(
        max(0, total.input_tokens - paid.input_tokens),
        max(0, total.output_tokens - paid.output_tokens),
        estimated=total.estimated or paid.estimated,
    )


def is_credible(usage: Usage, bounds: Bounds) -> bool:
    """Return whether a report may be right: its numbers are not negative, fit together and stay near the bounds."""
    parts = (usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens)
    return (
        min(usage.input_tokens, usage.output_tokens, *parts) >= 0
        and usage.tokens <= MOST_TOKENS
        and bounds.allow(usage)
        and usage.input_tokens > 0
        and usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
    )


@dataclass(slots=True, eq=False)
class BilledAttempt:
    """The facts of one attempt that decide its bill. `is_taken`: the provider has accepted the request and bills it."""

    market: Market
    question: Question
    quote: Quote
    permit: Permit
    ordinal: int
    output_tokens: int
    content: AttemptContent = field(init=False)
    started_at: datetime = field(init=False)
    first_token_ms: int | None = field(init=False, default=None)
    is_taken: bool = field(init=False, default=False)
    task: asyncio.Task[None] = field(init=False)
    _started_seconds: float = field(init=False)

    @property
    def provider(self) -> Provider:
        return self.market.providers[self.quote.offer.provider]

    @property
    def bounds(self) -> Bounds:
        """The tokens that the hold covers for this attempt."""
        input_tokens = self.quote.input_ceiling_tokens or self.question.input_ceiling_tokens
        return Bounds(input_tokens, self.question.request.n * self.output_tokens)

    @property
    def elapsed_ms(self) -> int:
        return round((self.market.clock.monotonic() - self._started_seconds) * 1000)

    def usage(self) -> Usage:
        """Return the usage of the complete answer."""
        reported = self.content.usage
        if reported is not None and is_credible(reported, self.bounds):
            return reported
        delivered = self._delivered(self.content.events)
        return whole_usage(self.question.request, self.content.usage, delivered, self.bounds)

    def usage_of(self, events: Sequence[ContentEvent]) -> Usage:
        """Return the usage of an answer that ended early, after `events`."""
        return partial_usage(self.question.request, self.content.usage, self._delivered(events), self.bounds)

    def wasted_usage(self) -> Usage | None:
        """Return the usage of an answer that is not kept; None if the provider bills nothing.

        Providers bill each request that they have accepted, unless they report a failure before any content.
        """
        content = self.content
        if content.usage is None and not content.deltas and not (self.is_taken and self._is_unreported):
            return None
        return self.usage_of(content.events)

    @property
    def _is_unreported(self) -> bool:
        """Return False if the provider itself ended the attempt with a failure."""
        if not self.task.done() or self.task.cancelled():
            return True
        return isinstance(self.task.exception(), FirstTokenLate | None)

    def _delivered(self, events: Sequence[ContentEvent]) -> Delivered:
        sizes, offer, seconds = self.market.catalog.sizes, self.quote.offer, (self.first_token_ms or 0) / 1000
        effort = self.question.request.options.reasoning_effort
        learned = (sizes.thinking_times(offer, effort), sizes.thinking_speeds.tokens(offer, seconds))
        return Delivered(text_of(events), thinking_of(self.content.events), *learned)

    def cost_atto(self, usage: Usage) -> int:
        """Return the unrounded cost of `usage`."""
        book, served = self.market.catalog.book, self.content.served
        return cost_atto(book, self.quote, usage, served=served, at=self.started_at)

    def cost(self, usage: Usage) -> Money:
        return Money.from_atto(self.cost_atto(usage))

    def wasted(self, outcome: str, usage: Usage | None = None, error: ProviderError | None = None) -> AttemptRecord:
        """Return the journal record of an attempt that was not kept: its whole cost is waste."""
        cost = self.cost(usage) if usage else ZERO
        return self._record(outcome, usage, cost=cost, waste=cost, error=error)

    def unread(self, ordinal: int, paid: Usage) -> AttemptRecord | None:
        """Return the record of the part that was billed beyond `paid` after the reader left; None if there is none."""
        total = self.usage_of(self.content.events)
        cost = self.cost(total) - self.cost(paid)
        if cost <= ZERO:
            return None
        return replace(self._record(UNREAD, unpaid_usage(total, paid), cost=cost, waste=cost), ordinal=ordinal)

    def kept(self, outcome: str, usage: Usage, billed: Usage | None = None) -> AttemptRecord:
        """Return the record of the answer that was kept. Cost beyond `usage` and the bounds of its hold is waste.

        `billed`: the tokens that the provider bills, if they are more than those of the kept part.
        """
        bounds, paid = self.bounds, self.cost(usage)
        covered = paid
        if not bounds.contain(usage):
            most = bounds.most_cost(self.quote.price) if usage.cost_usd else self.cost(bounds.covered(usage))
            covered = min(paid, most)
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


def cost_atto(book: PriceBook, quote: Quote, usage: Usage, *, served: str, at: datetime) -> int:
    """Return the unrounded cost: the reported one with the fee, else by the price at the time `at`.

    `served`: the model that answered; if it is not the requested one, its own price is used.
    """
    asked = quote.offer
    if usage.cost_usd is not None:
        return reported_atto(usage.cost_usd, 1 + book.fees.get(asked.provider, Fraction(0)))
    if served in {"", asked.model}:
        return quote.price.cost_atto(usage)
    return book.served_price(quote.price, asked.provider, served, at).cost_atto(usage)
