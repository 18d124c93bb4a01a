"""Renewals: a period that has ended begins anew, by Stars, from the wallet, or as the free plan."""

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
    """A period that ended. `unpaid`: the next one isn't paid yet, within its grace; said once."""

    tenant_id: int
    telegram_user_id: int | None
    plan: str
    outcome: str


def renew_free(conn: Connection, free: Plan, now: datetime, limit: int = 200) -> int:
    """Begin new periods of the free plan, many in one statement; how many. Each keeps its own date."""
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
    """Tenants of other plans whose period has ended, by id; those within their grace too."""
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
    """Begin one tenant's next period; None where nothing is to be told.

    A subscription that was cancelled is never renewed from the wallet. Who has no Telegram has only the wallet.
    """
    state, free = lock_tenant(conn, tenant_id), next(iter(plans.values()))
    if state.renews_at > now:
        return None
    wanted = plans.get(state.next_plan or state.plan)
    running = subscriptions.current(conn, tenant_id)
    if wanted is None or _was_cancelled(state, running):
        return _begin(conn, state, free, now, LAPSED)
    if not wanted.usd_per_month:
        return _begin(conn, state, wanted, now, CHANGED if state.next_plan else RENEWED)
    in_grace = now < state.renews_at + GRACE
    awaited = running is not None and state.next_plan is None and in_grace
    if not awaited and (wallet_pays or state.telegram_user_id is None):
        ref = f"renewal:{tenant_id}:{state.period_no}"
        if pay_from_wallet(conn, tenant_id, wanted, wanted.usd_per_month, now, ref=ref):
            return _begin(conn, state, wanted, now, CHANGED if state.next_plan else RENEWED, ref)
    if in_grace:
        late = awaited and running is not None and running.state == "active"
        return None if late else _unpaid(conn, state, wanted, now)
    return _begin(conn, state, free, now, LAPSED)


def _was_cancelled(state: TenantState, running: subscriptions.Subscription | None) -> bool:
    return running is not None and running.state == "canceled" and state.next_plan is None


def _begin(conn: Connection, state: TenantState, plan: Plan, now: datetime, outcome: str, ref: str = "") -> Renewal:
    """The tenant's own date is kept, however long the clock stood still."""
    start = state.renews_at + PERIOD * ((now - state.renews_at) // PERIOD)
    start_plan(conn, state.id, plan, start, ref=ref)
    return Renewal(state.id, state.telegram_user_id, plan.name, outcome)


def _unpaid(conn: Connection, state: TenantState, wanted: Plan, now: datetime) -> Renewal | None:
    if not notices.first_time(conn, f"unpaid:{state.id}:{state.period_no}", now):
        return None
    return Renewal(state.id, state.telegram_user_id, wanted.name, UNPAID)
