"""Prices: data with dates and hours, compiled to whole atto-dollars per token once a minute.

The catalogue is genai-prices; overrides of farthing.toml come first. An offer without a known price can't be quoted:
it does not count as free. Facts: genai-prices 0.2.3, by running it; DeepSeek's pricing page for the weekend.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from genai_prices import UpdatePrices
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ClauseEquals, ClauseOr, ModelInfo, ModelPrice, TieredPrices

from engine.chat import Usage
from engine.money import atto_per_token

log = logging.getLogger(__name__)
_CATALOGUE_NAMES = {"gemini": "google"}
_ONLY_SOLD_THERE = {"gemini": ("gemini", "gemma")}  # google in the catalogue is also Vertex, which sells Claude
_WEEKEND = 5  # Saturday, as datetime counts
_PEAK_HOURS_SINCE = date(2026, 8, 17)
_OFF_PEAK_HOUR = 12
_MOST_NAMES = 4096  # upper bound of the looked-up names: tenants may ask for any name


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


@dataclass(slots=True)
class PriceBook:
    """The price of each offer at a given minute. `fees` are added to catalogue prices, not to overrides.

    Catalogue entries are looked up once and compiled once a minute. A newer catalogue clears both.
    """

    overrides: Mapping[str, Price] = field(default_factory=dict)
    fees: Mapping[str, Fraction] = field(default_factory=dict)
    free_providers: frozenset[str] = frozenset({"local"})
    _snapshot: DataSnapshot | None = None
    _found: dict[tuple[str, str], ModelInfo | None] = field(default_factory=dict)
    _compiled: dict[tuple[str, str], tuple[int, Price | None]] = field(default_factory=dict)

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """Return the price; None where none is known, so that the offer can't be sold."""
        override = self.overrides.get(f"{provider}/{model}")
        if override is not None:
            return override
        if provider in self.free_providers:
            return LOCAL
        return self._catalogued(provider, model, at)

    def served_price(self, asked: Price, provider: str, served: str, at: datetime) -> Price:
        """Return the price of an answer by another model than asked: aliases move, and resellers fall back.

        It is the serving model's price where that exact name is known. An override of the asked offer stays in force.
        """
        own = self.overrides.get(f"{provider}/{served}")
        if own is not None and asked.source != FREE_SOURCE:
            return own
        if asked.source != CATALOGUE or not _is_called(self._find(provider, served), served):
            return asked
        return self._catalogued(provider, served, at) or asked

    def list_price(self, model: str, at: datetime) -> Price | None:
        """Return OpenAI's own price, against which savings are measured."""
        return self._catalogued("openai", model, at)

    def context_tokens(self, provider: str, model: str) -> int | None:
        found = self._find(provider, model)
        return found.context_window if found is not None else None

    def knows(self, provider: str, model: str) -> bool:
        """Return whether the provider sells the model; a local server is assumed to have any model."""
        if f"{provider}/{model}" in self.overrides or provider in self.free_providers:
            return True
        return self._find(provider, model) is not None

    def sellers(self, model: str, configured: Callable[[str], bool]) -> tuple[str, ...]:
        """Return every configured provider whose catalogue has a model of exactly this name."""
        ours = {theirs: name for name, theirs in _CATALOGUE_NAMES.items()}
        names = (ours.get(provider.id, provider.id) for provider in get_snapshot().providers)
        return tuple(name for name in names if configured(name) and _is_called(self._find(name, model), model))

    def _catalogued(self, provider: str, model: str, at: datetime) -> Price | None:
        found = self._find(provider, model)
        if found is None:
            return None
        minute = int(at.timestamp() // 60)
        known = self._compiled.get((provider, model))
        if known is None or known[0] != minute:
            price = _compile(found, _priced_at(provider, at), self.fees.get(provider, Fraction(0)))
            known = self._compiled[provider, model] = (minute, price)
        return known[1]

    def _find(self, provider: str, model: str) -> ModelInfo | None:
        snapshot = get_snapshot()
        if snapshot is not self._snapshot or len(self._found) > _MOST_NAMES:
            self._snapshot = snapshot
            self._found.clear()
            self._compiled.clear()
        key = (provider, model)
        if key not in self._found:
            self._found[key] = _look_up(snapshot, provider, model)
        return self._found[key]


class _Updates(UpdatePrices):
    """Updates that keep the current prices where the publisher can't be reached."""

    def fetch(self) -> DataSnapshot | None:
        try:
            return super().fetch()
        except Exception as error:  # noqa: BLE001 - on any error the current prices stay in use
            log.warning("the price catalogue could not be refreshed, its prices stay as they are: %s", error)
            return get_snapshot()


@contextmanager
def fresh_prices(every_seconds: float = 3600) -> Iterator[None]:
    """Update the catalogue from its publisher in a thread. Without it, prices are those of the installed release."""
    with _Updates(update_interval=every_seconds):
        yield


def _look_up(snapshot: DataSnapshot, provider: str, model: str) -> ModelInfo | None:
    if not model.startswith(_ONLY_SOLD_THERE.get(provider, "")):
        return None
    try:
        _, found = snapshot.find_provider_model(model, None, _CATALOGUE_NAMES.get(provider, provider), None)
    except LookupError:
        return None
    return found


def _is_called(found: ModelInfo | None, model: str) -> bool:
    """Return whether `model` is exactly a name of `found`. A name that only begins like one may be a misspelling."""
    return found is not None and (found.id == model or _names(found.match, model))


def _names(match: object, model: str) -> bool:
    if isinstance(match, ClauseOr):
        return any(_names(each, model) for each in match.or_)
    return isinstance(match, ClauseEquals) and match.equals == model


def _compile(found: ModelInfo, at: datetime, fee: Fraction) -> Price | None:
    """Return the price; None where the catalogue lacks one, which it would count as zero."""
    prices: ModelPrice = found.get_prices(at)
    if prices.input_mtok is None or prices.output_mtok is None:
        return None
    each = (prices.input_mtok, prices.cache_read_mtok, prices.cache_write_mtok, prices.output_mtok)
    starts = sorted({0}.union(*map(_starts, each)))
    return Price(tuple((start, _rates(prices, start, 1 + fee)) for start in starts))


def _priced_at(provider: str, at: datetime) -> datetime:
    """Return the time to look prices up for. The catalogue has hours or dates, not both, and no weekdays.

    DeepSeek's peak hours apply on weekdays only, since their introduction. At other times its price is that of an
    off-peak hour of the same day.
    """
    moment = at.astimezone(UTC)
    if provider != "deepseek":
        return moment
    flat = moment.weekday() >= _WEEKEND or moment.date() < _PEAK_HOURS_SINCE
    return moment.replace(hour=_OFF_PEAK_HOUR) if flat and moment.hour < _OFF_PEAK_HOUR else moment


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
    """Return the price of the tier just over `above` input tokens."""
    if not isinstance(price, TieredPrices):
        return price
    found = price.base
    for tier in price.tiers:
        if above >= tier.start:
            found = tier.price
    return found
