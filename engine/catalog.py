"""Model (what a tenant asks for), Offer (who sells it), Quote (an offer priced for one request)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from engine.chat import ChatRequest, Image
from engine.errors import UnknownModel
from engine.money import Money
from engine.pricing import Price, PriceBook
from engine.tenancy import Markup, Tariff
from engine.tokens import estimate

USUAL_OUTPUT_TOKENS = 240  # what an answer of unknown length is quoted with
_NO_IMAGES = ("deepseek", "gpt-oss", "ministral-3b-2410", "codestral")


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
    _removed: dict[Offer, datetime] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """What may be asked for now: the configured names, then every offer of a configured provider."""
        offers = sorted({offer.name for offer in self._offers() if self.configured(offer.provider)})
        return (*self.models, *offers)

    def model(self, name: str) -> Model:
        """A configured name, `provider/model`, or a model's bare name. Raises UnknownModel."""
        if name in self.models:
            return self.models[name]
        offers = self._sellers(name)
        if not offers:
            raise UnknownModel(name, tuple(self.models))
        return Model(name, offers, Markup(self.named_markup))

    def quote(self, request: ChatRequest, model: Model, at: datetime) -> tuple[tuple[Quote, ...], tuple[Drop, ...]]:
        """Every offer of `model` that can serve this request, priced; and those that can't, with the reason."""
        input_tokens = estimate(request)
        output_tokens = request.n * min(request.max_output_tokens or USUAL_OUTPUT_TOKENS, USUAL_OUTPUT_TOKENS)
        quotes: list[Quote] = []
        drops: list[Drop] = []
        for offer in model.offers:
            price = self.book.price(offer.provider, offer.model, at)
            reason = self._unable(offer, request, price, input_tokens, at)
            if reason or price is None:
                drops.append(Drop(offer, reason or "no price is known"))
                continue
            rates = price.rates(input_tokens)
            expected = input_tokens * rates.input + output_tokens * rates.output
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

    def remove(self, offer: Offer, until: datetime) -> None:
        """The provider says that it has no such model."""
        self._removed[offer] = until

    def offers_of(self, provider: str) -> tuple[Offer, ...]:
        return tuple(offer for offer in self._offers() if offer.provider == provider)

    def _offers(self) -> Sequence[Offer]:
        in_models = (offer for model in self.models.values() for offer in model.offers)
        return tuple(dict.fromkeys((*in_models, *self.known)))

    def _sellers(self, name: str) -> tuple[Offer, ...]:
        exact = Offer.named(name)
        if exact.model and (exact in self._offers() or self._sold_by(exact)):
            return (exact,)
        return tuple(offer for offer in self._offers() if offer.model == name and self.configured(offer.provider))

    def _sold_by(self, offer: Offer) -> bool:
        return self.configured(offer.provider) and self.book.knows(offer.provider, offer.model)

    def _unable(self, offer: Offer, request: ChatRequest, price: Price | None, input_tokens: int, at: datetime) -> str:
        if not self.configured(offer.provider):
            return "not configured"
        if self._removed.get(offer, at) > at:
            return "the provider has no such model"
        if price is None:
            return "no price is known"
        context = self.context_tokens(offer)
        if context is not None and input_tokens > context:
            return f"context too short ({context:,} tokens)"
        return "takes no images" if _has_images(request) and _blind(offer) else ""


def next_refresh(at: datetime) -> datetime:
    """How long a model that is gone stays out."""
    return at + timedelta(hours=1)


def _has_images(request: ChatRequest) -> bool:
    return any(isinstance(part, Image) for message in request.messages for part in message.parts)


def _blind(offer: Offer) -> bool:
    return any(mark in offer.model for mark in _NO_IMAGES)
