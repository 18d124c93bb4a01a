"""The cost of one attempt: as billed, else at the price of its start; and whether caching its prompt pays."""

from datetime import datetime
from fractions import Fraction

from engine.catalog.conversation_forecast import Outlook
from engine.catalog.offers import Quote, Rates
from engine.catalog.price_book import PriceBook
from engine.chat import Usage
from engine.gateway.market import Market
from engine.gateway.question import Question
from engine.money import reported_atto

_CACHE_ON_REQUEST = frozenset({"anthropic"})  # dialects whose providers bill the writing
_CLASSES_WITHIN_LIFETIME = 2  # of gaps between turns: up to 60 and up to 300 seconds


def cost_atto(book: PriceBook, quote: Quote, usage: Usage, *, served: str, at: datetime) -> int:
    """Return the unrounded cost: as reported, with the fee; else at the price of this attempt's start, `at`.

    Another model that answered, `served`, counts at its own price.
    """
    asked = quote.offer
    if usage.cost_usd is not None:
        return reported_atto(usage.cost_usd, 1 + book.fees.get(asked.provider, Fraction(0)))
    if served in {"", asked.model}:
        return quote.price.cost_atto(usage)
    return book.served_price(quote.price, asked.provider, served, at).cost_atto(usage)


def caches_prefix(market: Market, question: Question, quote: Quote) -> bool:
    """Return whether caching the prompt is expected to save more in the next turn than its writing costs now."""
    request = question.request
    if not request.conversation or market.providers[quote.offer.provider].dialect not in _CACHE_ON_REQUEST:
        return False
    now = market.clock.now().timestamp()
    outlook = market.catalog.forecast.outlook(request.conversation, question.tenant_id, now)
    return writing_pays(quote.price.rates(quote.input_tokens), outlook)


def writing_pays(rates: Rates, outlook: Outlook) -> bool:
    """Return whether the expected saving on a token that is read again exceeds the surcharge for writing it."""
    next_turn = outlook.turns / (1 + outlook.turns)
    within_lifetime = sum(outlook.gaps[:_CLASSES_WITHIN_LIFETIME])
    return next_turn * within_lifetime * (rates.input - rates.cached_input) > rates.cache_write - rates.input
