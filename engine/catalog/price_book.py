"""The prices of all offers: data with dates and hours, compiled to whole atto-dollars per token once a minute.

The catalogue is the package genai-prices; overrides of farthing.toml come first. An offer without a known price can't
be quoted: it is not taken to be free. Facts: genai-prices 0.2.3, by running it; DeepSeek's pricing page for weekends.
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

from engine.catalog.model_names import is_embedding_name, unit_beside_text, without_date
from engine.catalog.offers import CATALOGUE, FREE_SOURCE, LOCAL, Price, Rates
from engine.money import atto_per_token

log = logging.getLogger(__name__)
# the catalogue's provider "google" includes Vertex, which also sells Claude
_ONLY_SOLD_THERE: Mapping[str, tuple[str, ...]] = {"gemini": ("gemini", "gemma")}
_VENDORS = {"openai": "openai", "mistralai": "mistral", "google": "gemini"}
RESOLD: Mapping[str, Mapping[str, str]] = {"openrouter": _VENDORS}
"""Our names of the providers whose prices a reseller passes on, by the vendor in its model's name.

The catalogue has no resold embeddings. OpenRouter adds only its fee (openrouter.ai/docs/faq), and reports each cost.
"""
_WEEKEND = 5  # Saturday in the numbering of `datetime.weekday`
_PEAK_HOURS_SINCE = date(2026, 8, 17)
_OFF_PEAK_HOUR = 12
_MOST_NAMES = 4096  # upper bound of the names that are remembered: tenants may request any name
_BESIDE_TEXT = ("output_image_mtok", "output_audio_mtok", "output_video_mtok", "requests_kcount", "audio_hours")
_MOST_ATTO_PER_TOKEN = 10**18  # 1 USD a token: a higher price is an error and would overflow the ledger
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(slots=True)
class PriceBook:
    """The price of each offer at a given minute. `fees` are added to catalogue prices, not to overrides.

    Catalogue entries are looked up once and compiled once a minute. A newer catalogue clears both results. `listed`:
    the models that the servers of `free_providers` list. `ids`: the catalogue's ids of providers that it calls by
    another name than ours.
    """

    overrides: Mapping[str, Price] = field(default_factory=dict)
    fees: Mapping[str, Fraction] = field(default_factory=dict)
    free_providers: frozenset[str] = frozenset({"local"})
    listed: dict[str, frozenset[str]] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=lambda: {"gemini": "google"})
    _snapshot: DataSnapshot | None = None
    _names: dict[str, dict[str, ModelInfo]] = field(default_factory=dict)
    _sellers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _found: dict[tuple[str, str], ModelInfo | None] = field(default_factory=dict)
    _compiled: dict[tuple[str, str], tuple[int, Price | None, bool]] = field(default_factory=dict)

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """Return the price; None if it is unknown or can't be read exactly, so that the offer can't be sold."""
        override = self.overrides.get(f"{provider}/{model}")
        if override is not None:
            return override
        if provider in self.free_providers:
            return LOCAL
        return self._catalogued(provider, model, at)

    def why_unsold(self, provider: str, model: str, at: datetime) -> str:
        """Return the reason why an offer can't be sold by the token; empty if it can."""
        if unit_beside_text(f"{provider}/{model}") or self.bills_beside_text(provider, model, at):
            return "its bill is not counted in text tokens"
        if self.price(provider, model, at) is not None:
            return ""
        return "its price can't be read" if self.is_unreadable(provider, model, at) else "no price is known"

    def is_unreadable(self, provider: str, model: str, at: datetime) -> bool:
        """Return whether the catalogue has a price that can't be read exactly, and nothing overrides it."""
        if f"{provider}/{model}" in self.overrides or provider in self.free_providers:
            return False
        self._catalogued(provider, model, at)
        known = self._compiled.get((provider, model))
        return known is not None and known[2]

    def bills_beside_text(self, provider: str, model: str, at: datetime) -> bool:
        """Return whether the catalogue also has a price for pictures, audio, video or requests of this model."""
        found = self._find(provider, model)
        if found is None:
            return False
        prices: ModelPrice = found.get_prices(at)
        return any(getattr(prices, unit, None) is not None for unit in _BESIDE_TEXT)

    def served_price(self, asked: Price, provider: str, served: str, at: datetime) -> Price:
        """Return the price of an answer by a model other than the requested one: aliases move, resellers fall back.

        It is the price of the serving model if that exact name is known. An override of the requested offer stays in
        force.
        """
        own = self.overrides.get(f"{provider}/{served}")
        if own is not None and asked.source != FREE_SOURCE:
            return own
        if asked.source != CATALOGUE:
            return asked
        return self._catalogued(provider, served, at) or asked

    def list_price(self, model: str, at: datetime) -> Price | None:
        """Return OpenAI's own price of the model, against which savings are measured."""
        return self._catalogued("openai", model, at)

    def context_tokens(self, provider: str, model: str) -> int | None:
        found = self._find(provider, model)
        return found.context_window if found is not None else None

    def knows(self, provider: str, model: str) -> bool:
        """Return whether the provider sells the model; an operator's own server sells the models that it lists."""
        if f"{provider}/{model}" in self.overrides:
            return True
        if provider in self.free_providers:
            return model in self.listed.get(provider, ())
        return self._find(provider, model) is not None

    def sellers(self, model: str, configured: Callable[[str], bool]) -> tuple[str, ...]:
        """Return every configured provider whose catalogue has a model of exactly this name."""
        snapshot = self._current()
        found = self._sellers.get(model)
        if found is None:
            ours = {theirs: name for name, theirs in self.ids.items()}
            names = [ours.get(provider.id, provider.id) for provider in snapshot.providers]
            found = self._sellers[model] = tuple(name for name in names if self._find(name, model) is not None)
        return tuple(filter(configured, found))

    def _catalogued(self, provider: str, model: str, at: datetime) -> Price | None:
        found = self._find(provider, model)
        if found is None:
            return None
        minute = int(at.timestamp() // 60)
        known = self._compiled.get((provider, model))
        if known is None or known[0] != minute:
            price, unreadable = _compile(found, _priced_at(provider, at), self.fees.get(provider, Fraction(0)))
            known = self._compiled[provider, model] = (minute, price, unreadable)
        return known[1]

    def _find(self, provider: str, model: str) -> ModelInfo | None:
        """Return the catalogue's model of exactly this name, or of this name with a date after it."""
        snapshot = self._current()
        key = (provider, model)
        if key not in self._found:
            self._found[key] = self._look_up(snapshot, provider, model)
        return self._found[key]

    def _current(self) -> DataSnapshot:
        """Return the current catalogue. A newer one clears the results that were computed from the former one."""
        snapshot = get_snapshot()
        if snapshot is not self._snapshot or len(self._found) > _MOST_NAMES:
            self._snapshot = snapshot
            self._names.clear()
            self._found.clear()
            self._compiled.clear()
            self._sellers.clear()
        return snapshot

    def _look_up(self, snapshot: DataSnapshot, provider: str, model: str) -> ModelInfo | None:
        if provider not in self._names:
            begin = _ONLY_SOLD_THERE.get(provider, ("",))
            self._names[provider] = _exact_names(snapshot, self._id(provider), begin)
        names = self._names[provider]
        exact = names.get(model) or self._resold(provider, model)
        if exact is not None or (undated := names.get(without_date(model))) is None:
            return exact
        try:
            _, found = snapshot.find_provider_model(model, None, self._id(provider), None)
        except LookupError:
            return None
        return undated if found is undated else None

    def _id(self, provider: str) -> str:
        return self.ids.get(provider, provider)

    def _resold(self, provider: str, model: str) -> ModelInfo | None:
        """Return the vendor's catalogue entry for an embedding model that a reseller sells at the vendor's price."""
        vendor, _, name = model.partition("/")
        seller = RESOLD.get(provider, {}).get(vendor)
        return self._find(seller, name) if seller is not None and is_embedding_name(name) else None


class _Updates(UpdatePrices):
    """Price updates that keep the current prices if the publisher can't be reached."""

    def fetch(self) -> DataSnapshot | None:
        try:
            return super().fetch()
        except Exception as error:  # noqa: BLE001 - on any error the current prices stay in use
            log.warning("the price catalogue could not be refreshed, its prices stay as they are: %s", error)
            return get_snapshot()


@contextmanager
def fresh_prices(every_seconds: float = 3600) -> Iterator[None]:
    """Update the catalogue from its publisher in a thread.

    Outside this context, prices are those of the installed release.
    """
    with _Updates(update_interval=every_seconds):
        yield


def _exact_names(snapshot: DataSnapshot, catalogue_id: str, begin: tuple[str, ...]) -> dict[str, ModelInfo]:
    """Return a provider's models by each exact name that starts with `begin`: ids, then aliases.

    The catalogue also has patterns (begins with, contains). They are ignored: a name that only fits one may be
    misspelled.
    """
    models = [model for each in snapshot.providers if each.id == catalogue_id for model in each.models]
    names = {model.id: model for model in models}
    for model in models:
        for name in _aliases(model.match):
            names.setdefault(name, model)
    return {name: model for name, model in names.items() if name.startswith(begin)}


def _aliases(match: object) -> Iterator[str]:
    if isinstance(match, ClauseOr):
        for each in match.or_:
            yield from _aliases(each)
    elif isinstance(match, ClauseEquals):
        yield match.equals


def _compile(found: ModelInfo, at: datetime, fee: Fraction) -> tuple[Price | None, bool]:
    """Return the price, and whether the catalogue has a price that can't be read exactly.

    (None, False) means that the catalogue has no price, which genai-prices itself would count as zero. Embeddings have
    no price of output.
    """
    try:
        prices: ModelPrice = found.get_prices(at)
        if prices.input_mtok is None or (prices.output_mtok is None and not is_embedding_name(found.id)):
            return None, False
        each = (prices.input_mtok, prices.cache_read_mtok, prices.cache_write_mtok, prices.output_mtok)
        starts = sorted({0}.union(*map(_starts, each)))
        return Price(tuple((start, _rates(prices, start, 1 + fee)) for start in starts)), False
    except _UNREADABLE as error:
        log.warning("the price of %s can't be read: %s", found.id, error)
        return None, True


def _priced_at(provider: str, at: datetime) -> datetime:
    """Return the time to look prices up for. The catalogue can express hours or dates, not both, and no weekdays.

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
    plain, output = _at(prices.input_mtok, above), _at(prices.output_mtok or Decimal(0), above)
    cached, written = _at(prices.cache_read_mtok, above), _at(prices.cache_write_mtok, above)
    if plain is None or output is None:
        raise ValueError(f"no price above {above} tokens of input")
    return Rates(
        _readable(plain, times),
        _readable(plain if cached is None else cached, times),
        _readable(plain if written is None else written, times),
        _readable(output, times),
    )


def _readable(usd_per_mtok: Decimal, times: Fraction) -> int:
    """Return atto-dollars per token. Raises ValueError for a price that is inexact, negative or absurdly high."""
    atto = atto_per_token(usd_per_mtok, times)
    if atto > _MOST_ATTO_PER_TOKEN:
        raise ValueError(f"{usd_per_mtok} USD per 1M tokens is more than any model costs")
    return atto


def _at(price: Decimal | TieredPrices | None, above: int) -> Decimal | None:
    """Return the price that applies to an input just over `above` tokens."""
    if not isinstance(price, TieredPrices):
        return price
    found = price.base
    for tier in price.tiers:
        if above >= tier.start:
            found = tier.price
    return found
