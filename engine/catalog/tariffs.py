"""The tariff of each model, by the model's name, and the price of tokens under a tariff."""

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.money import ZERO, Money
from engine.tenancy import Flat, Tariff


def tariff_of(catalog: Catalog, model: str) -> Tariff | None:
    """Return a model's tariff; None for a model that is no longer offered."""
    try:
        return catalog.model(model).tariff
    except EngineError:
        return None


def tokens_worth(tariff: Tariff | None, tokens: int) -> Money:
    """Return the charge for this many tokens; zero if the model has no price per token."""
    return Money.from_atto(tokens * tariff.atto_per_token) if isinstance(tariff, Flat) else ZERO
