"""The price of one offer at one time, in whole atto-dollars per token, with tiers by the length of the input."""

from dataclasses import dataclass
from decimal import Decimal

from engine.chat import Usage
from engine.money import atto_per_token


@dataclass(frozen=True, slots=True)
class Rates:
    """Atto-dollars per token."""

    input: int
    cached_input: int
    cache_write: int
    output: int


FREE = Rates(0, 0, 0, 0)
CATALOGUE, FREE_SOURCE = "catalogue", "free"


@dataclass(frozen=True, slots=True)
class Price:
    """`tiers`: (above this many input tokens, rates), ascending from 0. A tier applies to the whole request."""

    tiers: tuple[tuple[int, Rates], ...]
    source: str = CATALOGUE

    def rates(self, input_tokens: int) -> Rates:
        found = self.tiers[0][1]
        for above, rates in self.tiers[1:]:
            if input_tokens > above:
                found = rates
        return found

    def cost_atto(self, usage: Usage) -> int:
        """Return the exact, unrounded cost."""
        rates = self.rates(usage.input_tokens)
        plain = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
        return (
            plain * rates.input
            + usage.cached_tokens * rates.cached_input
            + usage.cache_write_tokens * rates.cache_write
            + usage.output_tokens * rates.output
        )

    def ceiling(self, input_tokens: int) -> tuple[int, int]:
        """Return the highest prices of an input and an output token, for up to `input_tokens` of input."""
        reachable = [rates for above, rates in self.tiers if above <= input_tokens]
        return (
            max(max(rates.input, rates.cached_input, rates.cache_write) for rates in reachable),
            max(rates.output for rates in reachable),
        )


def flat_price(
    input_usd: Decimal | str,
    output_usd: Decimal | str,
    cached_usd: Decimal | str | None = None,
    write_usd: Decimal | str | None = None,
    *,
    source: str = "override",
) -> Price:
    """Return a price from USD per 1M tokens. A price that is not given is that of input."""
    plain = atto_per_token(input_usd)
    cached = plain if cached_usd is None else atto_per_token(cached_usd)
    written = plain if write_usd is None else atto_per_token(write_usd)
    return Price(((0, Rates(plain, cached, written, atto_per_token(output_usd))),), source)


LOCAL = Price(((0, FREE),), "local")
