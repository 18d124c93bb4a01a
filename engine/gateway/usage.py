"""Usage of an attempt: as its provider reports it, else estimated from the text and marked so."""

from dataclasses import dataclass, replace

from engine.catalog.offers import Price
from engine.catalog.token_counts import estimate, estimate_text
from engine.chat import ChatRequest, Usage
from engine.money import Money

MOST_TOKENS = 20_000_000  # no model reads or writes as much: a report above it is an error
_TOLERANCE_TIMES, _TOLERANCE_TOKENS = 4, 10_000  # how far a credible report may exceed the bounds of its request


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most tokens that a request was held for: input, and output of all choices."""

    input_tokens: int
    output_tokens: int

    def allow(self, usage: Usage) -> bool:
        """Return True unless `usage` exceeds the bounds so far that the report must be wrong."""
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
        """Return the highest cost of these tokens at `price`, rounded up as a hold is."""
        input_atto, output_atto = price.ceiling(self.input_tokens)
        return Money.ceil_atto(self.input_tokens * input_atto + self.output_tokens * output_atto)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The part of an answer that is paid, as its provider sent it: `text`, and the reasoning that came with it.

    `thinking_times`: the offer's learned tokens billed for one visible token. `unsent_tokens`: the reasoning to expect
    of the time before the first token. The larger one counts where no reasoning was sent.
    """

    text: str
    thinking: str = ""
    thinking_times: float = 1.0
    unsent_tokens: int = 0

    @property
    def sent_tokens(self) -> int:
        """The estimated tokens of the text and the reasoning that were sent."""
        return estimate_text(self.text) + estimate_text(self.thinking)

    @property
    def output_tokens(self) -> int:
        """The estimated output tokens, with the reasoning that was not sent."""
        sent = self.sent_tokens
        return sent if self.thinking else max(round(sent * max(1.0, self.thinking_times)), sent + self.unsent_tokens)


def whole_usage(request: ChatRequest, reported: Usage | None, delivered: Delivered, bounds: Bounds) -> Usage:
    """Return the usage of a whole answer: the report, or an estimate where it is missing or absurd.

    A reported bill counts in either case.
    """
    if reported is not None and is_credible(reported, bounds):
        return reported
    estimated = estimated_usage(request, delivered, bounds)
    return replace(estimated, cost_usd=reported.cost_usd) if reported is not None else estimated


def partial_usage(request: ChatRequest, reported: Usage | None, delivered: Delivered, bounds: Bounds) -> Usage:
    """Return the usage of an answer that ended early: the report, else an estimate.

    Some providers report the input at the start and the output only at the end: then the output is estimated.
    """
    estimated = estimated_usage(request, delivered, bounds)
    if reported is None or not is_credible(reported, bounds):
        return estimated
    if reported.output_tokens * 2 >= min(delivered.sent_tokens, bounds.output_tokens):
        return reported
    return replace(reported, output_tokens=estimated.output_tokens, estimated=True, cost_usd=None)


def estimated_usage(request: ChatRequest, delivered: Delivered, bounds: Bounds) -> Usage:
    """Estimate the tokens of `request` and of the answer by their bytes, within `bounds`."""
    input_tokens = min(estimate(request), bounds.input_tokens)
    return Usage(input_tokens, min(delivered.output_tokens, bounds.output_tokens), estimated=True)


def unpaid_usage(total: Usage, paid: Usage) -> Usage:
    """Return the tokens of `total` that `paid` does not contain."""
    return Usage(
        max(0, total.input_tokens - paid.input_tokens),
        max(0, total.output_tokens - paid.output_tokens),
        estimated=total.estimated or paid.estimated,
    )


def is_credible(usage: Usage, bounds: Bounds) -> bool:
    """Return whether a report may be right: by its signs, its parts and the bounds of its request."""
    parts = (usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens)
    return (
        min(usage.input_tokens, usage.output_tokens, *parts) >= 0
        and usage.tokens <= MOST_TOKENS
        and bounds.allow(usage)
        and usage.input_tokens > 0
        and usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
    )
