"""Prefix caching: whether caching a prompt pays at a provider that caches on request only and bills the writing."""

from datetime import datetime

from engine.catalog.conversation_forecast import ConversationForecast, Outlook
from engine.catalog.offers import Quote, Rates

CACHE_ON_REQUEST = frozenset({"anthropic"})
"""The dialects whose providers cache on request only."""

_CLASSES_WITHIN_LIFETIME = 2  # gaps of up to 60 and of up to 300 seconds are within the cache's lifetime


def caching_pays(
    forecast: ConversationForecast, conversation: str, tenant_id: int | None, quote: Quote, at: datetime
) -> bool:
    """Return whether caching the prompt is expected to save more in the next turn than writing the cache costs now."""
    outlook = forecast.outlook(conversation, tenant_id, at.timestamp())
    return writing_pays(quote.price.rates(quote.input_tokens), outlook)


def writing_pays(rates: Rates, outlook: Outlook) -> bool:
    """Return whether the expected saving on a token that is read again exceeds the surcharge for writing it once."""
    next_turn = outlook.turns / (1 + outlook.turns)
    within_lifetime = sum(outlook.gaps[:_CLASSES_WITHIN_LIFETIME])
    return next_turn * within_lifetime * (rates.input - rates.cached_input) > rates.cache_write - rates.input
