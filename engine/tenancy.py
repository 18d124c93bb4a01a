"""Who asks, what they may ask, and what they pay for it."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from engine.money import ZERO, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A tier. `models` None = every model; requests_per_minute and max_output_tokens bound each request."""

    name: str
    usd_per_month: Money
    tokens_per_month: int
    requests_per_minute: int
    max_output_tokens: int
    models: tuple[str, ...] | None = None

    def allows(self, model: str) -> bool:
        return self.models is None or model in self.models


@dataclass(frozen=True, slots=True)
class Tenant:
    """Someone with limits and books of their own."""

    id: int
    plan: Plan
    name: str = ""
    telegram_user_id: int | None = None
    banned: bool = False


@dataclass(frozen=True, slots=True)
class Flat:
    """So much for each token, input and output alike; the plan's allowance pays first."""

    atto_per_token: int


@dataclass(frozen=True, slots=True)
class Markup:
    """Cost x times, always from the wallet."""

    times: Fraction


Tariff: TypeAlias = Flat | Markup


@dataclass(frozen=True, slots=True)
class Charge:
    """What a tenant paid for one answer."""

    wallet: Money = ZERO
    allowance_tokens: int = 0
