"""Prices: data with dates and hours, compiled to whole atto-dollars per token once a minute.

The catalogue is genai-prices; farthing.toml's overrides stand above it. No price is not a price of zero:
such an offer can't be quoted. Facts: genai-prices 0.2.3, run; DeepSeek's pricing page for the weekend.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices

from engine.chat import Usage
from engine.money import atto_per_token

_CATALOGUE_NAMES = {"gemini": "google"}
_WEEKEND = 5  # Saturday, as datetime counts


@dataclass(frozen=True, slots=True)
class Rates:
    """Atto-dollars per token."""

    input: int
    cached_input: int
    cache_write: int
    output: int


FREE = Rates(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Price:
    """`tiers`: (above so many input tokens, rates), ascending from 0; the whole request moves at the cliff."""

    tiers: tuple[tuple[int, Rates], ...]
    source: str = "catalogue"

    def rates(self, input_tokens: int) -> Rates:
        found = self.tiers[0][1]
        for above, rates in self.tiers[1:]:
            if input_tokens > above:
                found = rates
        return found

    def cost_atto(self, usage: Usage) -> int:
        """Exact, unrounded."""
        rates = self.rates(usage.input_tokens)
        plain = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
        return (
            plain * rates.input
            + usage.cached_tokens * rates.cached_input
            + usage.cache_write_tokens * rates.cache_write
            + usage.output_tokens * rates.output
        )

    def ceiling(self, input_tokens: int) -> tuple[int, int]:
        """The dearest that an input and an output token can be, for up to `input_tokens` of input."""
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
    """USD per 1M tokens; what isn't given costs as much as input."""
    plain = atto_per_token(input_usd)
    cached = plain if cached_usd is None else atto_per_token(cached_usd)
    written = plain if write_usd is None else atto_per_token(write_usd)
    return Price(((0, Rates(plain, cached, written, atto_per_token(output_usd))),), source)


LOCAL = Price(((0, FREE),), "local")


@dataclass(frozen=True, slots=True)
class PriceBook:
    """What a token costs at a minute. `fees` come on top of catalogue prices, never of overrides."""

    overrides: Mapping[str, Price] = field(default_factory=dict)
    fees: Mapping[str, Fraction] = field(default_factory=dict)
    free_providers: frozenset[str] = frozenset({"local"})
    _compiled: dict[tuple[str, str, int, int], Price | None] = field(default_factory=dict)

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """None: no price is known, so it can't be sold."""
        override = self.overrides.get(f"{provider}/{model}")
        if override is not None:
            return override
        if provider in self.free_providers:
            return LOCAL
        return self._catalogued(provider, model, at)

    def list_price(self, model: str, at: datetime) -> Price | None:
        """What the model's maker asks for it."""
        return self._catalogued("openai", model, at)

    def context_tokens(self, provider: str, model: str) -> int | None:
        found = _find(provider, model)
        return found.context_window if found is not None else None

    def knows(self, provider: str, model: str) -> bool:
        return f"{provider}/{model}" in self.overrides or _find(provider, model) is not None

    def _catalogued(self, provider: str, model: str, at: datetime) -> Price | None:
        minute = int(at.timestamp() // 60)
        key = (provider, model, minute, id(get_snapshot()))
        if key not in self._compiled:
            if len(self._compiled) > 4096:  # noqa: PLR2004 - an hour of many offers
                self._compiled.clear()
            self._compiled[key] = _compile(provider, model, at, self.fees.get(provider, Fraction(0)))
        return self._compiled[key]


def _find(provider: str, model: str) -> Any:
    try:
        _, found = get_snapshot().find_provider_model(model, None, _CATALOGUE_NAMES.get(provider, provider), None)
    except LookupError:
        return None
    return found


def _compile(provider: str, model: str, at: datetime, fee: Fraction) -> Price | None:
    found = _find(provider, model)
    if found is None:
        return None
    prices: ModelPrice = found.get_prices(_priced_at(provider, at))
    if prices.input_mtok is None or prices.output_mtok is None:
        return None
    times = 1 + fee
    starts = sorted({0, *_starts(prices.input_mtok), *_starts(prices.output_mtok), *_starts(prices.cache_read_mtok)})
    return Price(tuple((start, _rates(prices, start, times)) for start in starts))


def _priced_at(provider: str, at: datetime) -> datetime:
    """DeepSeek's peak hours are on weekdays; the catalogue knows no weekday, so a weekend hour is asked off-peak."""
    moment = at.astimezone(UTC)
    if provider == "deepseek" and moment.weekday() >= _WEEKEND:
        return moment.replace(hour=16, minute=0) if moment.hour < 16 else moment  # noqa: PLR2004
    return moment


def _starts(price: Decimal | TieredPrices | None) -> list[int]:
    return [tier.start for tier in price.tiers] if isinstance(price, TieredPrices) else []


def _rates(prices: ModelPrice, above: int, times: Fraction) -> Rates:
    plain = _at(prices.input_mtok, above)
    cached, written = _at(prices.cache_read_mtok, above), _at(prices.cache_write_mtok, above)
    assert plain is not None
    return Rates(
        atto_per_token(plain, times),
        atto_per_token(plain if cached is None else cached, times),
        atto_per_token(plain if written is None else written, times),
        atto_per_token(_at(prices.output_mtok, above) or Decimal(0), times),
    )


def _at(price: Decimal | TieredPrices | None, above: int) -> Decimal | None:
    """The tier that holds just over `above` input tokens."""
    if not isinstance(price, TieredPrices):
        return price
    found = price.base
    for tier in price.tiers:
        if above >= tier.start:
            found = tier.price
    return found


def next_minute(at: datetime) -> datetime:
    """When a price may next change."""
    return at.replace(second=0, microsecond=0) + timedelta(minutes=1)
