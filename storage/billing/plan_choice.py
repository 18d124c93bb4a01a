"""The effect of choosing a plan, the same in the bot and in the Mini App: change it now, later, or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from engine.money import Money
from engine.tenancy import Plan
from storage.billing import plans, subscriptions
from storage.billing.orders import stars_for
from storage.billing.renewals import GRACE
from storage.billing.subscriptions import Subscription
from storage.database.connection import Connection
from storage.tenants.tenants import TenantState

SUBSCRIPTION_SECONDS = 2_592_000
MOST_STARS = 10_000
"""Telegram's limit for one subscription."""


class PlanStep(Enum):
    """The effect of choosing a plan.

    RESUME: the cancelled subscription continues. STAY: a planned change is dropped. SAME: nothing changes. LATER: the
    plan changes at the end of the period. PAY: the plan must be paid for first.
    """

    RESUME = "resume"
    STAY = "stay"
    SAME = "same"
    LATER = "later"
    PAY = "pay"


@dataclass(frozen=True, slots=True)
class WaysToPay:
    """The ways to pay for a plan that the operator and Telegram's limits allow."""

    stars: bool
    wallet: bool


def current_subscription(conn: Connection, tenant_id: int, now: datetime) -> Subscription | None:
    """Return the tenant's subscription, or None if it ended more than the grace time ago."""
    found = subscriptions.current(conn, tenant_id)
    return found if found is not None and found.until + GRACE > now else None


def renews_itself(subscription: Subscription | None) -> bool:
    return subscription is not None and subscription.state != "canceled"


def step_to(
    conn: Connection,
    state: TenantState,
    wanted: Plan,
    known: Mapping[str, Plan],
    *,
    subscription: Subscription | None,
    plans_from: str,
    now: datetime,
) -> PlanStep:
    """Return the effect of choosing `wanted`. `plans_from`: the setting of [billing]: stars, wallet or both."""
    is_over = state.renews_at <= now and not renews_itself(subscription)
    if wanted.name == state.plan and not is_over:
        return _keeping(state, wanted, subscription, plans_from)
    return PlanStep.LATER if plans.is_lower(conn, state, wanted, known, now) else PlanStep.PAY


def ways_to_pay(state: TenantState, wanted: Plan, plans_from: str, per_star: Money) -> WaysToPay:
    by_stars = plans_from != "wallet" and stars_for(wanted.usd_per_month, per_star) <= MOST_STARS
    return WaysToPay(stars=by_stars, wallet=plans_from != "stars" and wanted.name != state.plan)


def is_for_sale(plan: Plan, plans_from: str, per_star: Money) -> bool:
    """Return False for a plan over MOST_STARS, unless the wallet may pay."""
    return plans_from != "stars" or stars_for(plan.usd_per_month, per_star) <= MOST_STARS


def _keeping(state: TenantState, wanted: Plan, subscription: Subscription | None, plans_from: str) -> PlanStep:
    """Return the effect of choosing the plan that the tenant already has."""
    if subscription is not None and subscription.by_us:
        return PlanStep.RESUME
    if state.next_plan is not None:
        return PlanStep.STAY
    if not wanted.usd_per_month or renews_itself(subscription) or plans_from == "wallet":
        return PlanStep.SAME
    return PlanStep.PAY
