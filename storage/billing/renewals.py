"""Renewals: the start of a tenant's next period, paid by Stars or the wallet, or on the free plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.tenancy import Plan
from storage.billing import subscriptions
from storage.billing.plans import lock_tenant, pay_from_wallet, start_plan
from storage.database.connection import Connection, ms
from storage.tenants import notices
from storage.tenants.tenants import PERIOD, TenantState

GRACE = timedelta(hours=24)
RENEWED, CHANGED, UNPAID, LAPSED = "renewed", "changed", "unpaid", "lapsed"


@dataclass(frozen=True, slots=True)
class Renewal:
    """The outcome for a period that ended. `unpaid`: the next period isn't paid yet, within the grace time."""

    tenant_id: int
    telegram_user_id: int | None
    plan: str
    outcome: str


def renew_free(conn: Connection, free: Plan, now: datetime, limit: int = 200) -> int:
    """Start new periods of the free plan and return their number. Each tenant keeps its own date."""
    pick = (
        "SELECT a.tenant_id FROM accounts a JOIN tenants t ON t.id = a.tenant_id"
        " WHERE a.period_end_at <= :now AND t.plan = :free AND t.next_plan IS NULL"
        " ORDER BY a.period_end_at LIMIT :limit"
    )
    if conn.dialect == "postgresql":
        pick += " FOR UPDATE OF a SKIP LOCKED"
    return conn.run(
        "UPDATE accounts SET allowance_tokens = :tokens, allowance_used_tokens = 0, allowance_held_tokens = 0,"
        " period_no = period_no + 1, period_ref = '',"
        " period_start_at = period_end_at + :length * ((:now - period_end_at) / :length),"
        " period_end_at = period_end_at + :length * ((:now - period_end_at) / :length + 1)"
        f" WHERE tenant_id IN ({pick})",
        tokens=free.tokens_per_month,
        length=PERIOD // timedelta(milliseconds=1),
        now=ms(now),
        free=free.name,
        limit=limit,
    )


def due(conn: Connection, free: Plan, now: datetime, *, after: int = 0, limit: int = 50) -> list[int]:
    """Return the ids of tenants on other plans whose period has ended, including those within the grace time."""
    rows = conn.rows(
        "SELECT a.tenant_id FROM accounts a JOIN tenants t ON t.id = a.tenant_id"
        " WHERE a.period_end_at <= :now AND a.tenant_id > :after AND (t.plan <> :free OR t.next_plan IS NOT NULL)"
        " ORDER BY a.tenant_id LIMIT :limit",
        now=ms(now),
        after=after,
        free=free.name,
        limit=limit,
    )
    return [found["tenant_id"] for found in rows]


def renew(
    conn: Connection, tenant_id: int, plans: Mapping[str, Plan], now: datetime, *, wallet_pays: bool
) -> Renewal | None:
    """Start one tenant's next period. Return None if there is nothing to notify the tenant of.

    A plan whose subscription was cancelled is not renewed from the wallet. A tenant without Telegram always renews
    from the wallet.
    """
    state, free = lock_tenant(conn, tenant_id), next(iter(plans.values()))
    if state.renews_at > now:
        return None
    wanted = plans.get(state.next_plan or state.plan)
    subscription = subscriptions.current(conn, tenant_id)
    if wanted is None or _was_cancelled(state, subscription):
        return _begin(conn, state, free, now, LAPSED)
    if not wanted.usd_per_month:
        return _begin(conn, state, wanted, now, CHANGED if state.next_plan else RENEWED)
    in_grace = now < state.renews_at + GRACE
    awaits_stars = subscription is not None and state.next_plan is None and in_grace
    if not awaits_stars and (wallet_pays or state.telegram_user_id is None):
        ref = f"renewal:{tenant_id}:{state.period_no}"
        if pay_from_wallet(conn, tenant_id, wanted, wanted.usd_per_month, now, ref=ref):
            return _begin(conn, state, wanted, now, CHANGED if state.next_plan else RENEWED, ref)
    if in_grace:
        on_its_way = awaits_stars and subscription is not None and subscription.state == "active"
        return None if on_its_way else _unpaid(conn, state, wanted, now)
    return _begin(conn, state, free, now, LAPSED)


def _was_cancelled(state: TenantState, subscription: subscriptions.Subscription | None) -> bool:
    return subscription is not None and subscription.state == "canceled" and state.next_plan is None


def _begin(conn: Connection, state: TenantState, plan: Plan, now: datetime, outcome: str, ref: str = "") -> Renewal:
    """Start the period that contains `now`.

    The tenant's own date is kept even if the scheduler was stopped for long.
    """
    start = state.renews_at + PERIOD * ((now - state.renews_at) // PERIOD)
    start_plan(conn, state.id, plan, start, ref=ref)
    return Renewal(state.id, state.telegram_user_id, plan.name, outcome)


def _unpaid(conn: Connection, state: TenantState, wanted: Plan, now: datetime) -> Renewal | None:
    """Return an unpaid renewal, or None if the tenant was notified of it before."""
    if not notices.first_time(conn, f"unpaid:{state.id}:{state.period_no}", now):
        return None
    return Renewal(state.id, state.telegram_user_id, wanted.name, UNPAID)
