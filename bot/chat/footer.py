"""The line below an answer: price, provider and duration."""

from collections.abc import Callable
from decimal import Decimal

from bot.formatting.brands import brand
from engine.attempt_record import Receipt
from engine.money import Money

Translate = Callable[..., str]


def footer(t: Translate, price: Money | None, provider: str, receipt: Receipt) -> str:
    """Return the line, such as `0.04 ¢ · DeepSeek · 1.2 s`; without a price, only provider and duration."""
    values = {"provider": brand(provider), "seconds": seconds_of(receipt)}
    return t("chat.footer_group", **values) if price is None else t("chat.footer", price=price, **values)


def seconds_of(receipt: Receipt) -> Decimal:
    """Return the time of all attempts in seconds, with one decimal."""
    return (Decimal(sum(attempt.duration_ms for attempt in receipt.attempts)) / 1000).quantize(Decimal("0.1"))
