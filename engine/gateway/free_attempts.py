"""Free attempts: an attempt costs nothing only if its API key has a free request left when the attempt starts.

A quote is free as long as any key has one. Other prompts may use it first, and a key with free requests may rest.
"""

from engine.catalog.offers import Quote
from engine.gateway.question import Market, Question
from engine.holds import Grant
from engine.money import Money
from engine.routing.permits import Permit
from engine.routing.selection import NextAttempt, Selection
from engine.tenancy import Markup


def at_price_of_key(market: Market, quote: Quote, permit: Permit) -> Quote | None:
    """Return the quote at the price that the permit's key pays now; None if its full price is not known any more."""
    now = market.clock.now()
    if not quote.free or permit.key in market.catalog.free.open_keys(quote.offer, now):
        return quote
    price = market.catalog.book.price(quote.offer.provider, quote.offer.model, now)
    if price is None:
        return None
    rates, output_tokens = price.rates(quote.input_tokens), max(0, quote.expected_tokens - quote.input_tokens)
    expected_atto = quote.input_tokens * rates.input + output_tokens * rates.output
    return quote._replace(price=price, free=False, expected_atto=expected_atto)


def count_free_request(market: Market, quote: Quote, permit: Permit) -> None:
    """Count the request of an attempt that begins, if it is free."""
    if quote.free:
        market.catalog.free.use(quote.offer, market.clock.now(), permit.key)


def started_quote(
    market: Market, question: Question, grant: Grant, selection: Selection, choice: NextAttempt
) -> Quote | None:
    """Return the quote to start this attempt at, with its free request counted.

    None: the full price is not covered by the hold, so that the offer is left out, or another offer costs less now. The
    permit is given back then.
    """
    number, permit = choice.number, choice.permit
    quote = selection.quotes[number]
    found = at_price_of_key(market, quote, permit)
    if found is None or (found is not quote and not _is_covered(question, grant, number, found)):
        selection.leave_out(number, "its free requests are used up")
    elif found is quote or _stays_first(selection, number, found):
        selection.begin(number)
        count_free_request(market, found, permit)
        return found
    market.health.abandoned(permit)
    return None


def _stays_first(selection: Selection, number: int, paid: Quote) -> bool:
    """Put the paid quote into the route; return whether it is still the next one there, or a repeat."""
    selection.quotes = (*selection.quotes[:number], paid, *selection.quotes[number + 1 :])
    if not selection.is_fresh(number):
        return True
    route = selection.order([each for other, each in enumerate(selection.quotes) if selection.is_fresh(other)])
    return not route.quotes or route.quotes[0] is paid


def _is_covered(question: Question, grant: Grant, number: int, quote: Quote) -> bool:
    """Return whether the hold covers the highest charge at this price. A flat charge does not depend on it."""
    if not isinstance(question.tariff, Markup):
        return True
    input_tokens = quote.input_ceiling_tokens or question.input_ceiling_tokens
    input_atto, output_atto = quote.price.ceiling(input_tokens)
    most_atto = input_tokens * input_atto + question.request.n * grant.output_tokens[number] * output_atto
    return Money.ceil_atto(most_atto, question.tariff.times) <= grant.wallet
