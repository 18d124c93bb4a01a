"""Money left at a provider, if a free call reports it.

DeepSeek: `GET /user/balance` (api-docs.deepseek.com/api/get-user-balance), amounts as text, in USD or CNY. OpenRouter:
`GET /key` (openrouter.ai/docs/api-reference/limits), the credits left for this key; null means no limit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from engine.money import NANO_PER_USD, Money

CNY_PER_USD = 7
"""Rounded: it only decides whether a balance is low."""


@dataclass(frozen=True, slots=True)
class Balance:
    """An amount in `currency`, USD or CNY."""

    amount: Decimal
    currency: str = "USD"

    @property
    def usd(self) -> Money:
        """The amount in USD; CNY is converted at a fixed, approximate rate."""
        rate = 1 if self.currency == "USD" else CNY_PER_USD
        return Money.from_fraction(Fraction(self.amount) * NANO_PER_USD / rate)


@dataclass(frozen=True, slots=True)
class BalanceCall:
    """A free GET, and the reader of its JSON. The reader returns None if the answer contains no balance."""

    path: str
    read: Callable[[Any], Balance | None]


def deepseek_balance(answer: Any) -> Balance | None:
    """Return the total balance, in USD if there is one, else in CNY."""
    infos = _field(answer, "balance_infos")
    found = [_balance(_field(each, "total_balance"), _field(each, "currency")) for each in _list(infos)]
    known = [each for each in found if each is not None]
    return min(known, key=lambda each: each.currency != "USD", default=None)


def openrouter_credits(answer: Any) -> Balance | None:
    """Return the credits in USD that are left for this key."""
    left = _field(_field(answer, "data"), "limit_remaining")
    return None if isinstance(left, bool) else _balance(left, "USD")


def _balance(amount: Any, currency: Any) -> Balance | None:
    if not isinstance(amount, str | int | float) or currency not in ("USD", "CNY"):
        return None
    try:
        found = Decimal(str(amount))
    except InvalidOperation:
        return None
    return Balance(found, currency) if found.is_finite() else None


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
