"""Tenants, plans, tariffs and charges."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TypeAlias

from msgspec import Struct

from engine.money import ZERO, Money
from engine.privacy import NONE, Exclusions


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan. `models` None: every model. `max_output_tokens` limits each choice of a request.

    `answers_per_day` counts by UTC days; 0: no limit.
    """

    name: str
    usd_per_month: Money
    tokens_per_month: int
    requests_per_minute: int
    max_output_tokens: int
    answers_per_day: int = 0
    models: tuple[str, ...] | None = None

    def allows(self, model: str) -> bool:
        return self.models is None or model in self.models


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """The limits of the API key that a request came with. None: only the plan's limit applies.

    `models`: the names that the key may request, compared exactly. The key's tokens per month are checked by the hold.
    """

    key_id: int
    requests_per_minute: int | None = None
    models: tuple[str, ...] | None = None
    expires_at: datetime | None = None

    def allows(self, model: str) -> bool:
        return self.models is None or model in self.models

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class Sponsor:
    """A team or a group: the tenant whose wallet and plan pay for a member's answers, up to the member's limit."""

    id: int
    plan: Plan
    name: str = ""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A user of the service, with limits, a wallet and an allowance of its own.

    `key`: the limits of the API key that this request came with; None for a request without one. `exclusions`: the
    providers that may not see its prompts. `sponsors` pay before the tenant, in this order. `pays` False: only the
    sponsors pay.
    """

    id: int
    plan: Plan
    name: str = ""
    telegram_user_id: int | None = None
    banned: bool = False
    key: KeyLimits | None = None
    exclusions: Exclusions = NONE
    sponsors: tuple[Sponsor, ...] = ()
    pays: bool = True

    def allows(self, model: str) -> bool:
        """Return True if both the API key and a plan that pays include the model."""
        return self.plan_allows(model) and (self.key is None or self.key.allows(model))

    def plan_allows(self, model: str) -> bool:
        """Return True if one of the plans that pay includes the model."""
        return any(plan.allows(model) for plan in self.plans)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans that pay, the tenant's own last."""
        sponsored = tuple(sponsor.plan for sponsor in self.sponsors)
        return (*sponsored, self.plan) if self.pays or not sponsored else sponsored

    @property
    def requests_per_minute(self) -> int:
        """The highest number of requests per minute in these plans."""
        return max(plan.requests_per_minute for plan in self.plans) if self.sponsors else self.plan.requests_per_minute


@dataclass(frozen=True, slots=True)
class Flat:
    """A fixed price per token, input and output alike; the plan's allowance pays first."""

    atto_per_token: int


@dataclass(frozen=True, slots=True)
class Markup:
    """A price of `times` the cost, always paid from the wallet."""

    times: Fraction


Tariff: TypeAlias = Flat | Markup


class Charge(Struct, frozen=True):
    """The price of one answer to its tenant: wallet money and allowance tokens."""

    wallet: Money = ZERO
    allowance_tokens: int = 0


def seconds_left_today(now: datetime) -> float:
    """Return the seconds from `now`, in UTC, to the next midnight."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - now).total_seconds()
