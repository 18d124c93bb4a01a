"""Model (what a tenant asks for), Offer (who sells it), Quote (an offer priced for one request)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from engine.chat import ChatRequest
from engine.errors import UnknownModel
from engine.money import Money
from engine.pricing import Price, PriceBook
from engine.tenancy import Markup, Tariff
from engine.tokens import estimate_pictures, estimate_words, has_pictures

USUAL_OUTPUT_TOKENS = 240  # what an answer of unknown length is quoted with
_CACHED_FROM_TOKENS = 1024  # OpenAI caches prompts from here on, and from GPT-5.6 bills the writing


class Lack(StrEnum):
    """What an offer may not be able to do, as the reason why it is left out."""

    IMAGES = "takes no images"
    TOOLS = "calls no tools"
    JSON = "has no JSON mode"
    CHOICES = "gives one choice only"


_LACKS: tuple[tuple[str, frozenset[Lack]], ...] = (
    # (a part of the offer's name, what it lacks). Groq: console.groq.com/docs/openai. Gemma: 400 "Function calling
    # is not enabled", likewise JSON mode. Whoever isn't listed is asked, and may say no: then the next one is.
    ("deepseek/", frozenset({Lack.CHOICES})),
    ("groq/", frozenset({Lack.CHOICES})),
    ("anthropic/claude", frozenset({Lack.CHOICES})),
    ("deepseek", frozenset({Lack.IMAGES})),
    ("gpt-oss", frozenset({Lack.IMAGES})),
    ("codestral", frozenset({Lack.IMAGES})),
    ("llama-3.1-", frozenset({Lack.IMAGES})),
    ("llama-3.3-", frozenset({Lack.IMAGES})),
    ("gpt-3.5", frozenset({Lack.IMAGES})),
    ("gemini/gemma", frozenset({Lack.TOOLS, Lack.JSON})),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as one provider sells it."""

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
    """A name that tenants ask for. `last_resort` offers are tried only when no other can answer."""

    name: str
    offers: tuple[Offer, ...]
    tariff: Tariff
    last_resort: frozenset[Offer] = frozenset()


@dataclass(frozen=True, slots=True)
class Quote:
    """An offer priced for one request at one minute. Limits None = unknown."""

    offer: Offer
    price: Price
    expected_atto: int
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    last_resort: bool = False

    @property
    def expected(self) -> Money:
        return Money.from_atto(self.expected_atto)


@dataclass(frozen=True, slots=True)
class Drop:
    """An offer left out, and why."""

    offer: Offer
    reason: str


@dataclass(slots=True)
class Catalog:
    """Everything that can be asked for, and what it costs now.

    `known`: offers that tenants may name beside those of `models`. `configured` says who has a key.
    """

    models: Mapping[str, Model]
    book: PriceBook
    configured: Callable[[str], bool]
    named_markup: Fraction = Fraction("1.4")
    known: tuple[Offer, ...] = ()
    contexts: Mapping[str, int] = field(default_factory=dict)
    _learned_contexts: dict[Offer, int] = field(default_factory=dict)
    _offers: tuple[Offer, ...] = field(init=False)

    def __post_init__(self) -> None:
        in_models = (offer for model in self.models.values() for offer in model.offers)
        self._offers = tuple(dict.fromkeys((*in_models, *self.known)))

    def names(self) -> tuple[str, ...]:
        """What may be asked for now: the configured names, then every offer of a configured provider."""
        offers = sorted({offer.name for offer in self._offers if self.configured(offer.provider)})
        return (*self.models, *offers)

    def model(self, name: str) -> Model:
        """A configured name, `provider/model`, or a model's bare name. Raises UnknownModel."""
        if name in self.models:
            return self.models[name]
        offers = tuple(offer for offer in self._sellers(name) if self.configured(offer.provider))
        if not offers:
            raise UnknownModel(name, tuple(self.models))
        return Model(name, offers, Markup(self.named_markup))

    def quote(self, request: ChatRequest, model: Model, at: datetime) -> tuple[tuple[Quote, ...], tuple[Drop, ...]]:
        """Every offer of `model` that can serve this request, priced; and those that can't, with the reason."""
        words = estimate_words(request)
        asked = _asked(request)
        quotes: list[Quote] = []
        drops: list[Drop] = []
        for offer in model.offers:
            input_tokens = words + estimate_pictures(request, offer.model)
            price = self.book.price(offer.provider, offer.model, at)
            reason = self._unable(offer, asked, input_tokens)
            if reason or price is None:
                drops.append(Drop(offer, reason or "no price is known"))
                continue
            expected = _expected_atto(offer, price, input_tokens, _output_tokens(request))
            context = self.context_tokens(offer)
            quotes.append(Quote(offer, price, expected, context, None, offer in model.last_resort))
        return tuple(quotes), tuple(drops)

    def is_configured(self, provider: str) -> bool:
        return self.configured(provider)

    def list_price(self, model: str, at: datetime) -> Price | None:
        return self.book.list_price(model, at)

    def context_tokens(self, offer: Offer) -> int | None:
        """The longest context: as learned, as configured, as catalogued."""
        learned = self._learned_contexts.get(offer) or self.contexts.get(offer.name)
        return learned or self.book.context_tokens(offer.provider, offer.model)

    def teach_context(self, offer: Offer, context_tokens: int | None) -> None:
        """A refusal named the real limit."""
        if context_tokens:
            self._learned_contexts[offer] = context_tokens

    def offers_of(self, provider: str) -> tuple[Offer, ...]:
        return tuple(offer for offer in self._offers if offer.provider == provider)

    def _sellers(self, name: str) -> tuple[Offer, ...]:
        """What we know to be sold under that name comes before what the price catalogue says is."""
        exact = Offer.named(name)
        known = tuple(offer for offer in self._offers if offer.model == name)
        if exact in self._offers or (not known and self._is_sold(exact)):
            return (exact,)
        others = (Offer(provider, name) for provider in self.book.sellers(name, self.configured))
        return tuple(dict.fromkeys((*known, *others)))

    def _is_sold(self, offer: Offer) -> bool:
        return bool(offer.model) and self.configured(offer.provider) and self.book.knows(offer.provider, offer.model)

    def _unable(self, offer: Offer, asked: frozenset[Lack], input_tokens: int) -> str:
        """Why it can't serve the request; empty where it can."""
        if not self.configured(offer.provider):
            return "not configured"
        context = self.context_tokens(offer)
        if context is not None and input_tokens > context:
            return f"context too short: {context:,} tokens, and about {input_tokens:,} are needed"
        return ", ".join(lack.value for lack in Lack if lack in asked and _lacks(offer, lack))


def _asked(request: ChatRequest) -> frozenset[Lack]:
    """What the request needs that not everyone can."""
    options = request.options
    needs = {
        Lack.IMAGES: has_pictures(request),
        Lack.TOOLS: bool(options.tools),
        Lack.JSON: options.wants_json,
        Lack.CHOICES: request.n > 1,
    }
    return frozenset(lack for lack, needed in needs.items() if needed)


def _lacks(offer: Offer, lack: Lack) -> bool:
    return any(mark in offer.name for mark, lacks in _LACKS if lack in lacks)


def _output_tokens(request: ChatRequest) -> int:
    return request.n * min(request.max_output_tokens or USUAL_OUTPUT_TOKENS, USUAL_OUTPUT_TOKENS)


def _expected_atto(offer: Offer, price: Price, input_tokens: int, output_tokens: int) -> int:
    rates = price.rates(input_tokens)
    writes_cache = "openai" in offer.name and input_tokens >= _CACHED_FROM_TOKENS
    each_input = max(rates.input, rates.cache_write) if writes_cache else rates.input
    return input_tokens * each_input + output_tokens * rates.output
