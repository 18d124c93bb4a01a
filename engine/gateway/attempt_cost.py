"""The cost of one attempt: as its provider bills it, else at the price of its start."""

from datetime import datetime
from fractions import Fraction

from engine.catalog.offers import Quote
from engine.catalog.price_book import PriceBook
from engine.chat import Usage
from engine.money import reported_atto


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
