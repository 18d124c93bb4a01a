"""Prices in the form that people see: of a charge, and of an answer before it is asked."""

from datetime import datetime

from msgspec.structs import replace

from engine.catalog.catalog import Catalog
from engine.catalog.offers import Quote
from engine.catalog.tariffs import tariff_of, tokens_worth
from engine.chat import ChatRequest
from engine.money import Money
from engine.tenancy import Charge, Flat, Tariff


def price_of(catalog: Catalog, model: str, charge: Charge) -> Money:
    """Return the wallet money of a charge, plus its plan tokens at today's `usd_per_mtok` of the model."""
    return charge.wallet + tokens_worth(tariff_of(catalog, model), charge.allowance_tokens)


def expected_price(tariff: Tariff, quote: Quote) -> Money:
    """Return the expected charge for an answer by this offer, with the plan's tokens at their price."""
    if isinstance(tariff, Flat):
        return Money.from_atto(quote.expected_tokens * tariff.atto_per_token)
    return Money.from_atto(quote.expected_atto, tariff.times)


def price_by(catalog: Catalog, at: datetime, request: ChatRequest, name: str, answer_tokens: float = 0) -> Money | None:
    """Return the expected charge for this request with another model; None if none of its offers can be quoted.

    `answer_tokens`: the length of the answer, if it is known; else the model's usual one.
    """
    model = catalog.model(name)
    quotes, _ = catalog.quote(replace(request, model=name), model, at, answer_tokens=answer_tokens)
    if not quotes:
        return None
    return expected_price(model.tariff, min(quotes, key=lambda quote: quote.expected_atto))
