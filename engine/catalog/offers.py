"""Prices, models, offers and quotes, the capabilities that offers lack, and the context lengths learned from refusals.

A price is a whole number of atto-dollars per token, with tiers by the length of the input.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from engine.chat import ChatRequest, Usage
from engine.money import Money, atto_per_token
from engine.tenancy import Tariff

LEARNED_FOR = timedelta(hours=1)
MOST_OFFERS = 4096  # upper bound of the table: tenants may request any name


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices in atto-dollars per token."""

    input: int
    cached_input: int
    cache_write: int
    output: int


FREE = Rates(0, 0, 0, 0)
CATALOGUE, FREE_SOURCE = "catalogue", "free"


@dataclass(frozen=True, slots=True)
class Price:
    """The price of an offer. Each tier is (lower limit in input tokens, rates), in ascending order, the first from 0.

    The tier of the input's length applies to the whole request.
    """

    tiers: tuple[tuple[int, Rates], ...]
    source: str = CATALOGUE

    def rates(self, input_tokens: int) -> Rates:
        found = self.tiers[0][1]
        for above, rates in self.tiers[1:]:
            if input_tokens > above:
                found = rates
        return found

    def cost_atto(self, usage: Usage) -> int:
        """Return the exact, unrounded cost of this usage in atto-dollars."""
        rates = self.rates(usage.input_tokens)
        plain = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
        return (
            plain * rates.input
            + usage.cached_tokens * rates.cached_input
            + usage.cache_write_tokens * rates.cache_write
            + usage.output_tokens * rates.output
        )

    def ceiling(self, input_tokens: int) -> tuple[int, int]:
        """Return the highest price of one input token and of one output token, for up to `input_tokens` of input."""
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
    """Return a price from USD per 1M tokens. A cache price that is not given equals the price of input."""
    plain = atto_per_token(input_usd)
    cached = plain if cached_usd is None else atto_per_token(cached_usd)
    written = plain if write_usd is None else atto_per_token(write_usd)
    return Price(((0, Rates(plain, cached, written, atto_per_token(output_usd))),), source)


LOCAL = Price(((0, FREE),), "local")


class Offer(NamedTuple):
    """One model as one provider sells it, named `provider/model`. The model's own name may contain slashes.

    It is a tuple because offers are used as dictionary keys for every prompt: a tuple is hashed fast.
    """

    provider: str
    model: str

    @property
    def name(self) -> str:
        return f"{self.provider}/{self.model}"

    @classmethod
    def named(cls, name: str) -> "Offer":
        provider, _, model = name.partition("/")
        return cls(provider, model)


@dataclass(frozen=True, slots=True)
class Model:
    """A name that tenants request. `last_resort`: offers that are tried only if no other offer can answer.

    After losses of `max_loss_per_day` on one day, offers that cost more than they charge are left out; None: no limit.
    """

    name: str
    offers: tuple[Offer, ...]
    tariff: Tariff
    last_resort: frozenset[Offer] = frozenset()
    max_loss_per_day: Money | None = None


class Quote(NamedTuple):
    """An offer priced for one request at one minute. A limit of None is unknown.

    `free`: the price is that of a free tier.

    `input_ceiling_tokens`: the most input tokens that the hold must cover. `input_tokens`: the expected input;
    `expected_tokens`: the expected input and output. `expected_atto`: the expected cost of this request; `later_atto`:
    that of the further turns of its conversation, if this offer answers them too.
    """

    offer: Offer
    price: Price
    expected_atto: int
    input_ceiling_tokens: int = 0
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    last_resort: bool = False
    free: bool = False
    expected_tokens: int = 0
    input_tokens: int = 0
    later_atto: int = 0

    @property
    def plan_atto(self) -> int:
        """The expected cost in atto-dollars by which offers are ordered."""
        return self.expected_atto + self.later_atto

    @property
    def room_tokens(self) -> int | None:
        """Tokens that the context leaves for an answer; None if the context length is unknown."""
        return None if self.context_tokens is None else max(0, self.context_tokens - self.input_tokens)

    @property
    def expected(self) -> Money:
        return Money.from_atto(self.expected_atto)


class Drop(Struct, frozen=True):
    """An offer that was left out, and the reason."""

    offer: Offer
    reason: str


class MissingCapability(StrEnum):
    """A capability that an offer can lack, worded as the reason why the offer is left out."""

    IMAGES = "takes no images"
    TOOLS = "calls no tools"
    JSON = "has no JSON mode"
    CHOICES = "gives one choice only"


_LACKS: tuple[tuple[str, frozenset[MissingCapability]], ...] = (
    # (a part of the offer's name, the abilities it lacks). Groq: console.groq.com/docs/openai. Gemma: 400 "Function
    # calling is not enabled", likewise JSON mode. An offer that is not listed is asked; if it refuses, the next one is.
    ("deepseek/", frozenset({MissingCapability.CHOICES})),
    ("groq/", frozenset({MissingCapability.CHOICES})),
    ("openrouter/", frozenset({MissingCapability.CHOICES})),
    ("anthropic/claude", frozenset({MissingCapability.CHOICES})),
    ("deepseek", frozenset({MissingCapability.IMAGES})),
    ("gpt-oss", frozenset({MissingCapability.IMAGES})),
    ("codestral", frozenset({MissingCapability.IMAGES})),
    ("llama-3.1-", frozenset({MissingCapability.IMAGES})),
    ("llama-3.3-", frozenset({MissingCapability.IMAGES})),
    ("gpt-3.5", frozenset({MissingCapability.IMAGES})),
    ("gemini/gemma", frozenset({MissingCapability.TOOLS, MissingCapability.JSON})),
)
_OUTPUT_LIMITS: tuple[tuple[str, int], ...] = (
    # (a part of the offer's name, the most tokens of one answer): asking for more is a 400 there.
    ("gpt-4o", 16_384),
    ("deepseek-v4", 65_536),
    ("gemini-2.5", 65_536),
    ("claude-haiku", 64_000),
)


def needed_capabilities(
    request: ChatRequest, lacks: Iterable[frozenset[MissingCapability]], *, has_pictures: bool
) -> frozenset[MissingCapability]:
    """Return the capabilities that this request needs and that some offer lacks; `lacks` has those of each offer.

    If no offer can give several choices, the request gets one choice, and `n` is named among the ignored fields.
    """
    options = request.options
    needs = {
        MissingCapability.IMAGES: has_pictures,
        MissingCapability.TOOLS: bool(options.tools),
        MissingCapability.JSON: options.wants_json,
        MissingCapability.CHOICES: request.n > 1 and not all(MissingCapability.CHOICES in each for each in lacks),
    }
    return frozenset(ability for ability, needed in needs.items() if needed)


@lru_cache(maxsize=4096)
def missing_capabilities(offer: Offer) -> frozenset[MissingCapability]:
    return frozenset[MissingCapability]().union(*(lacks for part, lacks in _LACKS if part in offer.name))


@lru_cache(maxsize=4096)
def output_limit(offer: Offer) -> int | None:
    """Return the highest number of tokens of one answer; None if it is unknown."""
    return next((limit for part, limit in _OUTPUT_LIMITS if part in offer.name), None)


@dataclass(slots=True)
class LearnedContexts:
    """Context lengths learned from refusals. Each is forgotten after an hour.

    A learned length is never below the largest input that the offer has served.
    """

    _learned: dict[Offer, tuple[int, datetime]] = field(default_factory=dict)
    _served: dict[Offer, int] = field(default_factory=dict)
    _new: set[Offer] = field(default_factory=set)

    def tokens(self, offer: Offer, at: datetime) -> int | None:
        """Return the length that was learned within the last hour, None if there is none."""
        found = self._learned.get(offer)
        if found is None or at >= found[1]:
            return None
        return max(found[0], self._served.get(offer, 0))

    def learn(self, offer: Offer, tokens: int, at: datetime) -> None:
        """Learn from a refusal at the time `at` that the context holds `tokens` tokens."""
        if tokens > 0:
            bound(self._learned, offer)
            self._learned[offer] = (tokens, at + LEARNED_FOR)
            self._new.add(offer)

    def take_new(self, at: datetime) -> list[tuple[Offer, int, float]]:
        """Return the lengths learned in this process since the last call, with the seconds that they remain valid."""
        learned = [(offer, *self._learned[offer]) for offer in self._new if offer in self._learned]
        self._new.clear()
        return [(offer, tokens, (until - at).total_seconds()) for offer, tokens, until in learned if until > at]

    def adopt(self, offer: Offer, tokens: int, at: datetime, left_seconds: float) -> None:
        """Take over a length that another process has learned."""
        if left_seconds > 0:
            bound(self._learned, offer)
            self._learned[offer] = (tokens, at + timedelta(seconds=left_seconds))

    def served(self, offer: Offer, input_tokens: int) -> None:
        """Note that the offer has served an input of this size."""
        if input_tokens > self._served.get(offer, 0):
            bound(self._served, offer)
            self._served[offer] = input_tokens


def bound(known: dict[Offer, Any], offer: Offer) -> None:
    """Make space for one more offer: remove the oldest entry of a full table."""
    if offer not in known and len(known) >= MOST_OFFERS:
        del known[next(iter(known))]
