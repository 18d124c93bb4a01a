"""Model (what a tenant asks for), Offer (who sells it), Quote (an offer priced for one request)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from engine.catalog.free_tiers import FREE_PRICE, FreeTiers
from engine.catalog.offers import (
    Drop,
    MissingCapability,
    Model,
    Offer,
    Quote,
    missing_capabilities,
    needed_capabilities,
    output_limit,
)
from engine.catalog.prices import Price, PriceBook
from engine.catalog.prompt_cache import PromptCache
from engine.catalog.token_counts import Measure, estimate_pictures, estimate_text, measure
from engine.catalog.token_sizes import TokenSizes
from engine.chat import ChatRequest, Usage
from engine.errors import UnknownModel
from engine.holds import LEAST_OUTPUT_TOKENS
from engine.tenancy import Markup

_CACHED_FROM_TOKENS = 1024  # OpenAI caches prompts from here on, and from GPT-5.6 bills the writing
_MOST_SHELVES = 1024


@dataclass(frozen=True, slots=True)
class _Shelved:
    """What is true of an offer for a minute, whatever is asked."""

    offer: Offer
    price: Price | None
    context_tokens: int | None
    lacks: frozenset[MissingCapability]
    max_output_tokens: int | None
    last_resort: bool
    configured: bool
    writes_cache: bool


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
    free: FreeTiers = field(default_factory=FreeTiers)
    sizes: TokenSizes = field(default_factory=TokenSizes)
    prefixes: PromptCache = field(default_factory=PromptCache)
    _learned_contexts: dict[Offer, int] = field(default_factory=dict)
    _offers: tuple[Offer, ...] = field(init=False)
    _shelves: dict[tuple[str, tuple[Offer, ...]], tuple[int, tuple[_Shelved, ...]]] = field(default_factory=dict)

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

    def quote(
        self, request: ChatRequest, model: Model, at: datetime, tenant_id: int | None = None
    ) -> tuple[tuple[Quote, ...], tuple[Drop, ...]]:
        """Every offer of `model` that can serve this request, priced; and those that can't, with the reason.

        Expected: input as this offer's tokenizer was seen to count it, what of it sits in this provider's cache,
        and an answer as long as this tenant's usually are, thinking included.
        """
        answer_tokens = self.sizes.answer_tokens(model.name, tenant_id)
        least_tokens = min(request.max_output_tokens or LEAST_OUTPUT_TOKENS, LEAST_OUTPUT_TOKENS)
        asks = _Asks(request, measure(request), needed_capabilities(request), answer_tokens, least_tokens)
        quotes: list[Quote] = []
        drops: list[Drop] = []
        for shelved in self._shelf(model, at):
            input_tokens, ceiling_tokens = self.sizes.input_tokens(shelved.offer, asks.measure)
            if not asks.measure.is_plain:
                input_tokens += estimate_pictures(request, shelved.offer.model)
            reason = _unable(shelved, asks, input_tokens)
            if reason:
                drops.append(Drop(shelved.offer, reason))
            else:
                quotes.append(self._priced(shelved, asks, (input_tokens, ceiling_tokens), at))
        return tuple(quotes), tuple(drops)

    def learn(self, request: ChatRequest, offer: Offer, usage: Usage, said: str, tenant_id: int | None) -> None:
        """What an answer was reported to have taken; estimates teach nothing."""
        if usage.estimated:
            return
        size = measure(request)
        if size.is_plain:
            self.sizes.learn_input(offer, size, usage.input_tokens)
        if not request.max_output_tokens:
            reported = (usage.output_tokens, usage.reasoning_tokens)
            self.sizes.learn_output(offer, request.model, tenant_id, estimate_text(said), reported)

    def remember(self, request: ChatRequest, offer: Offer, usage: Usage, at: datetime) -> None:
        """The prompt lies in this provider's cache from now on."""
        self.prefixes.sent(request, offer, usage.input_tokens, usage.cached_tokens, at.timestamp())

    def _priced(self, shelved: _Shelved, asks: "_Asks", tokens: tuple[int, int], at: datetime) -> Quote:
        offer = shelved.offer
        free = bool(self.free.allowed) and self.free.is_open(offer, at)
        price = FREE_PRICE if free else shelved.price
        assert price is not None
        expected, output = 0, asks.output_tokens(self.sizes.output_times(offer))
        if not free:
            cached = 0
            if asks.request.conversation:
                cached = min(tokens[0], self.prefixes.cached_tokens(asks.request, offer, at.timestamp()))
            expected = _expected_atto(price, tokens[0], cached, output, writes_cache=shelved.writes_cache)
        return Quote(
            offer,
            price,
            expected,
            tokens[1],
            shelved.context_tokens,
            shelved.max_output_tokens,
            shelved.last_resort,
            free,
            tokens[0] + output,
            tokens[0],
        )

    def _shelf(self, model: Model, at: datetime) -> tuple[_Shelved, ...]:
        """Compiled once a minute."""
        minute, key = int(at.timestamp() // 60), (model.name, model.offers)
        found = self._shelves.get(key)
        if found is None or found[0] != minute:
            if len(self._shelves) > _MOST_SHELVES:
                self._shelves.clear()
            shelf = tuple(self._shelve(offer, offer in model.last_resort, at) for offer in model.offers)
            found = self._shelves[key] = (minute, shelf)
        return found[1]

    def _shelve(self, offer: Offer, last_resort: bool, at: datetime) -> _Shelved:
        return _Shelved(
            offer,
            self.book.price(offer.provider, offer.model, at),
            self.context_tokens(offer),
            missing_capabilities(offer),
            output_limit(offer),
            last_resort,
            self.configured(offer.provider),
            "openai" in offer.name,
        )

    def is_configured(self, provider: str) -> bool:
        return self.configured(provider)

    def list_price(self, model: str, at: datetime) -> Price | None:
        return self.book.list_price(model, at)

    def context_tokens(self, offer: Offer) -> int | None:
        """The longest context: as learned, as configured, as catalogued."""
        learned = self._learned_contexts.get(offer) or self.contexts.get(offer.name)
        return learned or self.book.context_tokens(offer.provider, offer.model)

    def teach_context(self, offer: Offer, named_tokens: int | None, refused_tokens: int) -> None:
        """An input of about so many tokens was refused. No limit named, or the known one: that alone teaches."""
        known = self.context_tokens(offer)
        if named_tokens and named_tokens != known:
            self._learned_contexts[offer] = named_tokens
        elif refused_tokens > 0:
            self._learned_contexts[offer] = max(1, min(refused_tokens - 1, known or refused_tokens))
        self._shelves.clear()

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


@dataclass(frozen=True, slots=True)
class _Asks:
    """One request, as every offer has to see it. `answer_tokens`: what is expected to be seen of each choice.

    `least_tokens`: an answer that has to be cut off earlier is none.
    """

    request: ChatRequest
    measure: Measure
    needs: frozenset[MissingCapability]
    answer_tokens: float
    least_tokens: int

    def output_tokens(self, times: float) -> int:
        """`times`: tokens billed for one that is seen."""
        expected = round(self.answer_tokens * times)
        return self.request.n * min(self.request.max_output_tokens or expected, expected)


def _unable(shelved: _Shelved, asks: _Asks, input_tokens: int) -> str:
    """Why it can't serve the request; empty where it can."""
    if not shelved.configured:
        return "not configured"
    context, needed = shelved.context_tokens, input_tokens + asks.least_tokens
    if context is not None and needed > context:
        return f"context too short: {context:,} tokens, and about {needed:,} are needed"
    if asks.needs and (missing := asks.needs & shelved.lacks):
        return ", ".join(lack.value for lack in MissingCapability if lack in missing)
    return "" if shelved.price is not None else "no price is known"


def _expected_atto(
    price: Price, input_tokens: int, cached_tokens: int, output_tokens: int, *, writes_cache: bool
) -> int:
    rates = price.rates(input_tokens)
    plain = rates.input
    if writes_cache and input_tokens >= _CACHED_FROM_TOKENS:
        plain = max(plain, rates.cache_write)
    return (input_tokens - cached_tokens) * plain + cached_tokens * rates.cached_input + output_tokens * rates.output
