"""Prices as a person is shown them: of a charge, and of an answer before it is asked."""

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.money import ZERO, Money
from engine.tenancy import Charge, Flat, Tariff


def price_of(catalog: Catalog, model: str, charge: Charge) -> Money:
    """Return the wallet money of a charge, plus its plan tokens at today's `usd_per_mtok` of the model."""
    return charge.wallet + tokens_worth(tariff_of(catalog, model), charge.allowance_tokens)


def tokens_worth(tariff: Tariff | None, tokens: int) -> Money:
    """Return the charge for so many tokens; zero where the model has no price per token."""
    return Money.from_atto(tokens * tariff.atto_per_token) if isinstance(tariff, Flat) else ZERO


def tariff_of(catalog: Catalog, model: str) -> Tariff | None:
    """Return a model's tariff; None for a model that is no longer offered."""
    try:
        return catalog.model(model).tariff
    except EngineError:
        return None
