"""Prefix caching: what the further turns of a conversation cost at an offer, and whether writing its cache pays."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import ceil, inf
from typing import Any, TypeAlias

from engine.catalog.conversation_forecast import ConversationForecast, Outlook
from engine.catalog.offers import Price, Quote, Rates
from engine.catalog.prompt_cache import OfferHits

CACHE_ON_REQUEST = frozenset({"anthropic"})
"""The dialects whose providers cache on request only."""

_CACHED_FROM_TOKENS = 1024  # OpenAI caches prompts of this length, and since GPT-5.6 bills the writing
PricedOffer: TypeAlias = tuple[Any, ...]
"""The values of a Quote whose last one, the cost of the further turns, is not limited yet."""

_new_tuple = tuple.__new__  # builds a Quote in half the time of its constructor
_CLASSES_WITHIN_LIFETIME = 2  # gaps of up to 60 and of up to 300 seconds are within the cache's lifetime


def caching_pays(
    forecast: ConversationForecast, conversation: str, tenant_id: int | None, quote: Quote, at: datetime
) -> bool:
    """Return whether caching the prompt is expected to save more in the next turn than writing the cache costs now."""
    outlook = forecast.outlook(conversation, tenant_id, at.timestamp())
    return writing_pays(quote.price.rates(quote.input_tokens), outlook)


def writing_pays(rates: Rates, outlook: Outlook) -> bool:
    """Return whether the expected saving on a token that is read again exceeds the surcharge for writing it once."""
    next_turn = outlook.kept * outlook.turns / (1 + outlook.turns)
    within_lifetime = sum(outlook.gaps[:_CLASSES_WITHIN_LIFETIME])
    return next_turn * within_lifetime * (rates.input - rates.cached_input) > rates.cache_write - rates.input


def rates_of(price: Price, input_tokens: int, *, writes_cache: bool) -> Rates:
    """Return the rates for this input.

    Where the provider always writes its cache, input costs as much as writing it.
    """
    rates = price.rates(input_tokens)
    if writes_cache and input_tokens >= _CACHED_FROM_TOKENS and rates.cache_write > rates.input:
        return replace(rates, input=rates.cache_write)
    return rates


def constant_rates(price: Price, *, writes_cache: bool) -> Rates | None:
    """Return the rates if they are the same for every length of the input, else None."""
    rates = price.rates(0)
    depends = len(price.tiers) > 1 or (writes_cache and rates.cache_write > rates.input)
    return None if depends else rates


def later_costs_atto(
    rates: Rates, input_tokens: int, output_tokens: int, outlook: Outlook, hits: OfferHits | None
) -> tuple[int, int]:
    """Return the expected cost of the further turns at one offer: if it answers this turn too, and if it does not.

    In the second case the first further turn is not in its cache. `hits` None: no saving by a prompt cache. Each turn's
    input is longer than the one before by the same number of tokens, and begins with it.
    """
    turns, turns_squared, growth, gaps, _, kept = outlook
    if not turns:
        return 0, 0
    cost = (turns * input_tokens + turns_squared * growth) * rates.input + turns * output_tokens * rates.output
    if hits is None:
        return (without := round(cost)), without
    prefix, chance, next_turn = float(input_tokens), 1.0, turns / (1 + turns)
    first = prefix * next_turn
    if prefix < (least := hits.hoped_least_tokens):
        if growth < 1:
            return (without := round(cost)), without
        turns_before = ceil((least - prefix) / growth)
        prefix, chance, first = prefix + turns_before * growth, next_turn**turns_before, 0.0
    prefix_sum = chance * (turns * prefix + (turns_squared - turns) * growth)
    saving = kept * hits.hope(gaps) * (rates.input - rates.cached_input)
    return round(cost - saving * prefix_sum), round(cost - saving * (prefix_sum - first))


def with_changes_later(priced: Sequence[PricedOffer], change_atto: float) -> tuple[Quote, ...]:
    """Return the quotes. Their further turns cost at most `change_atto`, for which another offer takes them over."""
    most = inf if change_atto == inf else round(change_atto)
    return tuple([_new_tuple(Quote, each if each[-1] <= most else (*each[:-1], most)) for each in priced])
