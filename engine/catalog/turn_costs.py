"""Rates of one input, and the expected cost of the further turns of a conversation."""

from dataclasses import replace
from math import ceil

from engine.catalog.conversation_forecast import Outlook
from engine.catalog.prices import Price, Rates
from engine.catalog.prompt_cache import OfferHits

_CACHED_FROM_TOKENS = 1024  # OpenAI caches prompts of this length, and since GPT-5.6 bills the writing


def rates_of(price: Price, input_tokens: int, *, writes_cache: bool) -> Rates:
    """Return the rates of this input; where its cache is written unasked, that is the price of input."""
    rates = price.rates(input_tokens)
    if writes_cache and input_tokens >= _CACHED_FROM_TOKENS and rates.cache_write > rates.input:
        return replace(rates, input=rates.cache_write)
    return rates


def later_cost_atto(
    rates: Rates, input_tokens: int, output_tokens: int, outlook: Outlook, hits: OfferHits | None
) -> int:
    """Return the expected cost of the further turns at one offer. `hits` None: a cache saves nothing there.

    The inputs grow by the same number of tokens each turn, and each of them has the one before it as its prefix.
    """
    turns, growth = outlook.turns, outlook.growth_tokens
    if not turns:
        return 0
    input_sum = turns * input_tokens + outlook.turns_squared * growth
    cost = input_sum * rates.input + turns * output_tokens * rates.output
    if hits is not None:
        prefix, chance = float(input_tokens), 1.0
        if prefix < hits.least_tokens:
            if growth < 1:
                return round(cost)
            without = ceil((hits.least_tokens - prefix) / growth)
            prefix, chance = prefix + without * growth, (turns / (1 + turns)) ** without
        prefix_sum = chance * (turns * prefix + (outlook.turns_squared - turns) * growth)
        cost -= hits.share(outlook.gaps) * prefix_sum * (rates.input - rates.cached_input)
    return round(cost)
