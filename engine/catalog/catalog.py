"""Catalog: the models that can be asked for, and a quote of each offer for one request at one minute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import inf

from engine.catalog.conversation_forecast import ConversationForecast, Outlook
from engine.catalog.free_tiers import FREE_PRICE, FreeTiers
from engine.catalog.model_names import EMBEDDINGS, MOST_NAME_CHARS, is_embedding_name, is_model_name, unit_beside_text
from engine.catalog.offers import (
    Drop,
    LearnedContexts,
    MissingCapability,
    Model,
    Offer,
    Price,
    Quote,
    Rates,
    missing_capabilities,
    needed_capabilities,
    output_limit,
)
from engine.catalog.picture_tokens import estimate_pictures, pictures_beyond_bound
from engine.catalog.prefix_caching import PricedOffer, constant_rates, later_costs_atto, rates_of, with_changes_later
from engine.catalog.price_book import PriceBook
from engine.catalog.prompt_cache import OfferHits, PromptCache, SentPrompt
from engine.catalog.token_counts import estimate_text, measure
from engine.catalog.token_sizes import OfferSizes, TokenSizes
from engine.chat import ChatRequest, Usage
from engine.errors import ModelNotSold, NotForChat, UnknownModel
from engine.holds import LEAST_OUTPUT_TOKENS
from engine.privacy import NONE, DataPolicies
from engine.tenancy import Markup

_MOST_MODELS = 1024


@dataclass(frozen=True, slots=True)
class _OfferFacts:
    """Facts about an offer that hold for one minute and for every request."""

    offer: Offer
    price: Price | None
    context_tokens: int | None
    lacks: frozenset[MissingCapability]
    max_output_tokens: int | None
    last_resort: bool
    configured: bool
    writes_cache: bool
    unpriced: str  # the reason why there is no price; empty if there is one
    rates: Rates | None  # if they are the same for every request
    sizes: OfferSizes
    hits: OfferHits
    most_tokens: float  # of a plain request: the context; 0 if the offer can serve none


@dataclass(slots=True)
class Catalog:
    """All models and offers with their current prices.

    `known`: offers that tenants may name in addition to those of `models`. `configured` tells whether a provider has an
    API key. `policies`: how each provider handles prompts.
    """

    models: Mapping[str, Model]
    book: PriceBook
    configured: Callable[[str], bool]
    named_markup: Fraction = Fraction("1.4")
    known: tuple[Offer, ...] = ()
    contexts: Mapping[str, int] = field(default_factory=dict)
    policies: DataPolicies = field(default_factory=DataPolicies)
    free: FreeTiers = field(default_factory=FreeTiers)
    sizes: TokenSizes = field(default_factory=TokenSizes)
    prefixes: PromptCache = field(default_factory=PromptCache)
    forecast: ConversationForecast = field(default_factory=ConversationForecast)
    learned_contexts: LearnedContexts = field(default_factory=LearnedContexts)
    _offers: dict[Offer, None] = field(init=False)  # in order
    _list_prices: dict[str, tuple[int, Price | None]] = field(default_factory=dict)
    _facts: dict[str, tuple[int, tuple[Offer, ...], tuple[_OfferFacts, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        in_models = (offer for model in self.models.values() for offer in model.offers)
        self._offers = dict.fromkeys((*in_models, *self.known))

    def names(self) -> tuple[str, ...]:
        """Return the names that may be requested now: models, then the offers of configured providers."""
        listed = (Offer(provider, model) for provider, models in self.book.listed.items() for model in models)
        sold = (offer for offer in (*self._offers, *listed) if not unit_beside_text(offer.name))
        return (*self.models, *sorted({offer.name for offer in sold if self.configured(offer.provider)}))

    def model(self, name: str) -> Model:
        """Return the model for a configured name, for `provider/model`, or for a bare model name.

        Raises ModelNotSold, NotForChat and UnknownModel, the last one also for a text that can't be a model's name.
        """
        if (found := self.models.get(name)) is not None:
            if all(is_embedding_name(offer.model) for offer in found.offers):
                raise NotForChat(name)
            return found
        if not is_model_name(name) and not any(name in {offer.name, offer.model} for offer in self._offers):
            raise UnknownModel(name[:MOST_NAME_CHARS], tuple(self.models))
        if unit := unit_beside_text(name):
            raise NotForChat(name) if unit == EMBEDDINGS else ModelNotSold(name, unit)
        offers = tuple(offer for offer in self._sellers(name) if self.configured(offer.provider))
        if not offers:
            raise UnknownModel(name, tuple(self.models))
        return Model(name, offers, Markup(self.named_markup))

    def quote(
        self, request: ChatRequest, model: Model, at: datetime, tenant_id: int | None = None, answer_tokens: float = 0
    ) -> tuple[tuple[Quote, ...], tuple[Drop, ...]]:
        """Return priced quotes of the offers of `model` that can serve the request, and the other offers with a reason.

        The expected cost covers the input as the offer's tokenizer counts it, less the part in the provider's prompt
        cache, and an answer of this tenant's usual length, reasoning included. In a conversation, several offers are
        compared by the turns that are expected after this one too. `answer_tokens`: the answer's length, if known.
        """
        size = measure(request)
        answer_tokens = answer_tokens or self.sizes.answer_tokens(model.name, tenant_id, size.tokens)
        least_tokens = min(request.max_output_tokens or LEAST_OUTPUT_TOKENS, LEAST_OUTPUT_TOKENS)
        talk, excludes, facts_now = request.conversation, request.exclusions != NONE, self._facts_now(model, at)
        outlook = self.forecast.outlook(talk, tenant_id, at.timestamp()) if talk and len(facts_now) > 1 else None
        needs = needed_capabilities(request, (facts.lacks for facts in facts_now), has_pictures=size.has_pictures)
        sent = self.prefixes.continued(request, tenant_id or 0) if talk else {}
        sized = _SizedRequest(request, needs, answer_tokens, least_tokens, outlook, sent)
        quotes, drops = list[PricedOffer](), list[Drop]()
        count = self.sizes.counter(size, by_bytes=self.sizes.is_beyond(tenant_id)).count
        for facts in facts_now:
            input_tokens, ceiling_tokens = count(facts.sizes)
            if size.has_pictures:
                input_tokens += estimate_pictures(request, facts.offer.model)
                ceiling_tokens += pictures_beyond_bound(request, facts.offer.model)
            fits = not needs and input_tokens + least_tokens <= facts.most_tokens
            reason = "" if fits else _unable(facts, sized, input_tokens)
            if excludes and not reason:
                reason = self.policies.reason(request.exclusions, facts.offer.provider)
            if reason:
                drops.append(Drop(facts.offer, reason))
            else:
                quotes.append(self._priced(facts, sized, (input_tokens, ceiling_tokens), at))
        return with_changes_later(quotes, sized.change_atto), tuple(drops)

    def learn(
        self,
        request: ChatRequest,
        offer: Offer,
        usage: Usage,
        answer: str,
        tenant_id: int | None,
        *,
        is_cut: bool = False,
    ) -> None:
        """Learn token sizes from reported usage. `is_cut`: the answer's length, at the output limit, is not learned."""
        if usage.estimated:
            return
        self.learned_contexts.served(offer, usage.input_tokens)
        size = measure(request)
        if size.is_plain:
            self.sizes.learn_input(offer, size, usage.input_tokens, tenant_id)
        if not is_cut:
            reported = (usage.output_tokens // request.n, usage.reasoning_tokens // request.n)
            told = offer, request.model, tenant_id, estimate_text(answer) // request.n, reported
            effort = request.options.reasoning_effort
            self.sizes.learn_output(*told, input_tokens=size.tokens, effort=effort)

    def remember(
        self, request: ChatRequest, offer: Offer, usage: Usage, at: datetime, tenant_id: int | None = None
    ) -> None:
        """Count an answered turn of a conversation, and note that the provider now has its prompt in the cache."""
        if request.conversation:
            now = at.timestamp()
            kept = self.prefixes.sent(request, offer, usage.input_tokens, usage.cached_tokens, now, tenant_id or 0)
            self.forecast.answered(request.conversation, tenant_id, usage.input_tokens, now, kept)

    def list_price(self, model: str, at: datetime) -> Price | None:
        """Return the public price of a model, looked up once a minute."""
        minute, found = int(at.timestamp() // 60), self._list_prices.get(model)
        if found is None or found[0] != minute:
            found = self._list_prices[model] = (minute, self.book.list_price(model, at))
        return found[1]

    def context_tokens(self, offer: Offer, at: datetime) -> int | None:
        """Return the context length: the one learned within the last hour, else the configured or catalogued one."""
        return self.learned_contexts.tokens(offer, at) or self._told_context_tokens(offer)

    def teach_context(self, offer: Offer, named_tokens: int | None, refused_tokens: int, at: datetime) -> None:
        """Learn the context length from a refusal that the provider itself classified as "input too long".

        The length is the one that the error names; if it names none and none is known, just below `refused_tokens`.
        """
        if named_tokens is None and self.context_tokens(offer, at) is not None:
            return
        self.learned_contexts.learn(offer, named_tokens or refused_tokens - 1, at)
        self._facts.clear()

    def _told_context_tokens(self, offer: Offer) -> int | None:
        return self.contexts.get(offer.name) or self.book.context_tokens(offer.provider, offer.model)

    def offers_of(self, provider: str) -> tuple[Offer, ...]:
        return tuple(offer for offer in self._offers if offer.provider == provider)

    def _priced(self, facts: _OfferFacts, sized: "_SizedRequest", tokens: tuple[int, int], at: datetime) -> PricedOffer:
        offer, input_tokens = facts.offer, tokens[0]
        free = bool(self.free.allowed) and self.free.is_open(offer, at)
        free = free and self.policies.allow_free_tier(sized.request.exclusions, offer.provider)
        price = FREE_PRICE if free else facts.price
        assert price is not None
        expected, later, output = 0, 0, sized.output_tokens(self.sizes, facts.sizes)
        if not free:
            rates = facts.rates or rates_of(price, input_tokens, writes_cache=facts.writes_cache)
            expected = input_tokens * rates.input + output * rates.output
            if sized.sent and (sent := sized.sent.get(offer)) is not None:
                cached = min(input_tokens, facts.hits.cached_tokens(sent, at.timestamp()))
                expected -= cached * (rates.input - rates.cached_input)
            if sized.outlook is not None:
                hits = facts.hits if rates.cached_input < rates.input else None
                later, change = later_costs_atto(rates, input_tokens, output, sized.outlook, hits)
                if change < sized.change_atto and not facts.last_resort:
                    sized.change_atto = change
        limits = (tokens[1], facts.context_tokens, facts.max_output_tokens, facts.last_resort, free)
        return (offer, price, expected, *limits, input_tokens + output, input_tokens, later)

    def _facts_now(self, model: Model, at: datetime) -> tuple[_OfferFacts, ...]:
        """Return the facts about each offer of a model, gathered once a minute."""
        minute, found = int(at.timestamp() // 60), self._facts.get(model.name)
        if found is None or found[0] != minute or found[1] != model.offers:
            if len(self._facts) > _MOST_MODELS:
                self._facts.clear()
            facts = tuple(self._facts_of(offer, offer in model.last_resort, at) for offer in model.offers)
            found = self._facts[model.name] = (minute, model.offers, facts)
        return found[2]

    def _facts_of(self, offer: Offer, last_resort: bool, at: datetime) -> _OfferFacts:
        price, writes_cache = self.book.price(offer.provider, offer.model, at), "openai" in offer.name
        context, unpriced = self.context_tokens(offer, at), self.book.why_unsold(offer.provider, offer.model, at)
        is_open = self.configured(offer.provider) and not unpriced
        return _OfferFacts(
            offer,
            price,
            context,
            missing_capabilities(offer),
            output_limit(offer),
            last_resort,
            self.configured(offer.provider),
            writes_cache,
            unpriced,
            None if price is None else constant_rates(price, writes_cache=writes_cache),
            self.sizes.of(offer),
            self.prefixes.hits(offer, at.timestamp()),
            (inf if context is None else context) if is_open else 0,
        )

    def _sellers(self, name: str) -> tuple[Offer, ...]:
        """Return the offers that sell the model `name`: known offers first, then those of the price catalogue."""
        exact = Offer.named(name)
        known = tuple([offer for offer in self._offers if offer.model == name])
        if exact in self._offers or (not known and self._is_sold(exact)):
            return (exact,)
        others = [Offer(provider, name) for provider in self.book.sellers(name, self.configured)]
        return tuple(dict.fromkeys([*known, *others]))

    def _is_sold(self, offer: Offer) -> bool:
        return bool(offer.model) and self.configured(offer.provider) and self.book.knows(offer.provider, offer.model)


@dataclass(slots=True)
class _SizedRequest:
    """One request with its sizes. `answer_tokens`: expected visible tokens of each choice.

    `least_tokens`: an offer whose context leaves less room for the output can't serve the request. `outlook`: the
    further turns of its conversation, if they matter. `sent`: the conversation's last prompts, by offer.
    """

    request: ChatRequest
    needs: frozenset[MissingCapability]
    answer_tokens: float
    least_tokens: int
    outlook: Outlook | None
    sent: Mapping[Offer, SentPrompt]
    change_atto: float = inf

    def output_tokens(self, sizes: TokenSizes, own: OfferSizes) -> int:
        """Return the output tokens that are expected to be billed."""
        times = sizes.output_times(own, self.request.options.reasoning_effort)
        expected, most = round(self.answer_tokens * times), self.request.max_output_tokens
        return self.request.n * (expected if not most or expected < most else most)


def _unable(facts: _OfferFacts, sized: _SizedRequest, input_tokens: int) -> str:
    """Return the reason why an offer can't serve the request; empty if it can."""
    if not facts.configured:
        return "not configured"
    context, needed = facts.context_tokens, input_tokens + sized.least_tokens
    if context is not None and needed > context:
        return f"context too short: {context:,} tokens, and about {needed:,} are needed"
    if sized.needs and (missing := sized.needs & facts.lacks):
        return ", ".join(lack.value for lack in MissingCapability if lack in missing)
    return facts.unpriced
