"""The line below an answer, and the price of the answer in it."""

from collections.abc import Callable
from decimal import Decimal

from bot.formatting.brands import brand
from engine.attempt_record import Receipt
from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.money import ZERO, Money
from engine.tenancy import Charge, Flat, Tariff

Translate = Callable[..., str]


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


def footer(t: Translate, price: Money | None, provider: str, receipt: Receipt) -> str:
    """Return price, provider and duration: `0.04 ¢ · DeepSeek · 1.2 s`. Without a price it is left out."""
    values = {"provider": brand(provider), "seconds": seconds_of(receipt)}
    return t("chat.footer_group", **values) if price is None else t("chat.footer", price=price, **values)


def seconds_of(receipt: Receipt) -> Decimal:
    """Return the time of all attempts in seconds, with one decimal."""
    return (Decimal(sum(attempt.duration_ms for attempt in receipt.attempts)) / 1000).quantize(Decimal("0.1"))
