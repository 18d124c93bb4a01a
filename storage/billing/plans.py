"""Plans: 30-day periods from the tenant's own date. Upgrades apply at once, downgrades at the end of the period."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.billing import subscriptions
from storage.database.connection import Connection, ms
from storage.ledger import transfers
from storage.ledger.transfers import credit, post
from storage.tenants import shared_wallets, tenants
from storage.tenants.tenants import PERIOD, TenantState

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class PlanPurchase:
    """The result of buying a plan from the wallet.

    `credited`: the value of the old plan's unused part. `missing`: the amount that the wallet lacks.
    """

    done: bool
    credited: Money = ZERO
    missing: Money = ZERO


def start_plan(
    conn: Connection, tenant_id: int, plan: Plan, start: datetime, end: datetime | None = None, *, ref: str = ""
) -> None:
    """Start a period of `plan` with its whole allowance; `ref` names the transfer that paid for it.

    Open holds still belong to the old period. The free plan of a shared wallet has no tokens.
    """
    conn.run("UPDATE tenants SET plan = :plan, next_plan = NULL WHERE id = :id", id=tenant_id, plan=plan.name)
    conn.run(
        "UPDATE accounts SET allowance_tokens = :tokens, allowance_used_tokens = 0, allowance_held_tokens = 0,"
        " period_no = period_no + 1, period_start_at = :start, period_end_at = :end, period_ref = :ref"
        " WHERE tenant_id = :id",
        id=tenant_id,
        tokens=plan.tokens_per_month,
        start=ms(start),
        end=ms(end or start + PERIOD),
        ref=ref,
    )
    if not plan.usd_per_month and shared_wallets.is_shared(conn, tenant_id):
        shared_wallets.end_period(conn, tenant_id)


def schedule_plan(conn: Connection, tenant_id: int, plan: str | None) -> None:
    """Set the plan that starts when this period ends, or remove it (None)."""
    conn.run("UPDATE tenants SET next_plan = :plan WHERE id = :id", id=tenant_id, plan=plan)


def is_lower(conn: Connection, state: TenantState, wanted: Plan, plans: Mapping[str, Plan], now: datetime) -> bool:
    """Return whether a change to `wanted` takes effect only at the period's end.

    After that end this holds for the free plan.

    A plan that left the configuration is compared by the price that was paid for the period.
    """
    if not wanted.usd_per_month or state.renews_at <= now:
        return not wanted.usd_per_month
    current = plans.get(state.plan)
    return wanted.usd_per_month < (current.usd_per_month if current else tenants.paid_for_period(conn, state))


def buy_from_wallet(
    conn: Connection, tenant_id: int, plan: Plan, plans: Mapping[str, Plan], now: datetime
) -> PlanPurchase:
    """Upgrade at once, after crediting the unused part of the old period. A repeated call buys nothing more."""
    state = lock_tenant(conn, tenant_id)
    if state.plan == plan.name or is_lower(conn, state, plan, plans, now):
        return PlanPurchase(done=False)
    from_unused = max(ZERO, unused_part(conn, state, now) - state.owed)
    missing = plan.usd_per_month - (state.wallet - state.held) - from_unused
    if missing > ZERO:
        return PlanPurchase(done=False, missing=missing)
    credited = credit_unused(conn, state, now, now)
    ref = f"plan:{tenant_id}:{state.period_no}"
    if not pay_from_wallet(conn, tenant_id, plan, plan.usd_per_month, now, ref=ref):
        raise RuntimeError(f"{ref}: the wallet lacks the price although its row is locked and was checked")
    start_plan(conn, tenant_id, plan, now, ref=ref)
    subscriptions.supersede(conn, tenant_id)
    return PlanPurchase(done=True, credited=credited)


def set_by_admin(conn: Connection, tenant_id: int, plan: Plan, now: datetime) -> bool:
    """Start a plan at once and free of charge, and credit the unused part of the old period.

    A Stars subscription ends with the plan that it paid for. Setting the current plan only removes a scheduled
    change and returns False.
    """
    state = lock_tenant(conn, tenant_id)
    if state.plan == plan.name:
        schedule_plan(conn, tenant_id, None)
        return False
    credit_unused(conn, state, now, now)
    start_plan(conn, tenant_id, plan, now)
    subscriptions.supersede(conn, tenant_id)
    return True


def unused_part(conn: Connection, state: TenantState, start: datetime) -> Money:
    """Return the price paid for the current period x its unused share: of time after `start` or of tokens, the lesser.

    By time alone, a tenant who upgrades would get used tokens back. Held tokens count as used. For a plan without
    tokens, only time counts.
    """
    length = max(_MS, state.renews_at - state.period_start)
    time_left = Fraction(max(timedelta(0), state.renews_at - start) // _MS, length // _MS)
    allowance = state.allowance_tokens
    tokens_left = Fraction(max(0, state.allowance_left_tokens), allowance) if allowance else Fraction(1)
    return tenants.paid_for_period(conn, state).share(min(Fraction(1), time_left, tokens_left))


def credit_unused(conn: Connection, state: TenantState, start: datetime, now: datetime) -> Money:
    """Credit `unused_part` to the wallet, at most once per period, and return the credited amount."""
    unused = unused_part(conn, state, start)
    if not unused:
        return ZERO
    done = credit(
        conn,
        state.id,
        unused,
        ref=f"unused:{state.id}:{state.period_no}",
        reason=f"unused part of plan {state.plan}",
        now=now,
        source="house:plans",
    )
    return unused if done else ZERO


def pay_from_wallet(conn: Connection, tenant_id: int, plan: Plan, price: Money, now: datetime, *, ref: str) -> bool:
    """Take a plan's price from the unheld balance. Return False if that is too little."""
    if not price:
        return True
    taken = conn.run(
        "UPDATE accounts SET balance_nanousd = balance_nanousd - :price"
        " WHERE tenant_id = :id AND balance_nanousd - held_nanousd - owed_nanousd >= :price",
        id=tenant_id,
        price=price.nanousd,
    )
    if not taken:
        return False
    posted = post(
        conn,
        kind="plan",
        debit=transfers.wallet_of(tenant_id),
        credit="house:plans",
        amount=price,
        tenant_id=tenant_id,
        ref=ref,
        now=now,
        reason=f"plan {plan.name}",
    )
    if not posted:
        raise RuntimeError(f"the plan payment {ref} is already booked")
    return True


def lock_tenant(conn: Connection, tenant_id: int) -> TenantState:
    """Lock the account until the transaction ends and return the tenant's state. Raises LookupError if unknown."""
    transfers.lock_account(conn, tenant_id)
    state = tenants.state(conn, tenant_id)
    if state is None:
        raise LookupError(f"there is no tenant {tenant_id}")
    return state
