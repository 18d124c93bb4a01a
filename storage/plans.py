"""Plans: periods of 30 days from the tenant's own date; up at once, down at the period's end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage import tenants
from storage.connection import Connection, ms, scalar
from storage.ledger import credit
from storage.posting import post
from storage.tenants import PERIOD, TenantState

GRACE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a wish for another plan. `credited` is the unused part of the old one."""

    plan: str
    at_once: bool
    credited: Money = ZERO


@dataclass(frozen=True, slots=True)
class Renewal:
    """A period that ended. `lapsed` when a paid plan was not paid again."""

    tenant_id: int
    telegram_user_id: int | None
    plan: str
    lapsed: bool


def start_plan(conn: Connection, tenant_id: int, plan: Plan, now: datetime, *, until: datetime | None = None) -> None:
    """A fresh period of `plan`, with all of its allowance. What is held stays the old period's."""
    conn.run("UPDATE tenants SET plan = :plan, next_plan = NULL WHERE id = :id", id=tenant_id, plan=plan.name)
    conn.run(
        "UPDATE accounts SET allowance_tokens = :tokens, allowance_used_tokens = 0, allowance_held_tokens = 0,"
        " period_no = period_no + 1, period_start_at = :start, period_end_at = :end WHERE tenant_id = :id",
        id=tenant_id,
        tokens=plan.tokens_per_month,
        start=ms(now),
        end=ms(until or now + PERIOD),
    )


def change(
    conn: Connection,
    tenant_id: int,
    plan: Plan,
    plans: Mapping[str, Plan],
    now: datetime,
    *,
    paid: bool = False,
) -> Changed:
    """Up (or paid for) at once, with the unused part of the old plan credited once; down at the period's end."""
    state = tenants.state(conn, tenant_id)
    if state is None:
        raise LookupError(f"there is no tenant {tenant_id}")
    old = plans.get(state.plan)
    down = old is not None and plan.usd_per_month < old.usd_per_month
    if down and not paid:
        conn.run("UPDATE tenants SET next_plan = :plan WHERE id = :id", id=tenant_id, plan=plan.name)
        return Changed(plan.name, at_once=False)
    unused = ZERO if old is None or old.name == plan.name else credit_unused(conn, state, old, now)
    start_plan(conn, tenant_id, plan, now)
    return Changed(plan.name, at_once=True, credited=unused)


def set_by_admin(conn: Connection, tenant_id: int, plan: Plan, now: datetime) -> None:
    """At once, as the operator says; nothing is credited. The same plan again changes nothing."""
    if scalar(conn, "SELECT plan FROM tenants WHERE id = :id", id=tenant_id) != plan.name:
        start_plan(conn, tenant_id, plan, now)
    else:
        conn.run("UPDATE tenants SET next_plan = NULL WHERE id = :id", id=tenant_id)


def credit_unused(conn: Connection, state: TenantState, old: Plan, now: datetime) -> Money:
    """Price x unused time, to the wallet, once per period."""
    length = state.renews_at - state.period_start
    left = max(timedelta(0), state.renews_at - now)
    share = Fraction(left // timedelta(milliseconds=1), max(1, length // timedelta(milliseconds=1)))
    unused = Money(int(old.usd_per_month.nanousd * share))
    if not unused:
        return ZERO
    done = credit(
        conn,
        state.id,
        unused,
        ref=f"unused:{state.id}:{state.period_no}",
        reason=f"unused part of plan {old.name}",
        now=now,
        source="house:plans",
    )
    return unused if done else ZERO


def pay_from_wallet(conn: Connection, tenant_id: int, plan: Plan, now: datetime, *, ref: str) -> bool:
    """Take the plan's price from what is free in the wallet; False when that is too little."""
    price = plan.usd_per_month
    if not price:
        return True
    taken = conn.run(
        "UPDATE accounts SET balance_nanousd = balance_nanousd - :price"
        " WHERE tenant_id = :id AND balance_nanousd - held_nanousd >= :price",
        id=tenant_id,
        price=price.nanousd,
    )
    if not taken:
        return False
    posted = post(
        conn,
        kind="plan",
        debit=f"tenant:{tenant_id}",
        credit="house:plans",
        amount=price,
        tenant_id=tenant_id,
        ref=ref,
        now=now,
        reason=f"plan {plan.name}",
    )
    if not posted:
        raise RuntimeError(f"{ref} was paid before")
    return True


def renew_due(conn: Connection, plans: Mapping[str, Plan], now: datetime, limit: int = 100) -> list[Renewal]:
    """Begin the next period where one has ended; a paid plan whose grace is over becomes the free one."""
    due = conn.rows(
        "SELECT tenant_id FROM accounts WHERE period_end_at <= :now ORDER BY period_end_at LIMIT :n",
        now=ms(now),
        n=limit,
    )
    renewed = (_renew(conn, found["tenant_id"], plans, now) for found in due)
    return [renewal for renewal in renewed if renewal is not None]


def _renew(conn: Connection, tenant_id: int, plans: Mapping[str, Plan], now: datetime) -> Renewal | None:
    state = tenants.state(conn, tenant_id)
    assert state is not None
    free = next(iter(plans.values()))
    wanted = plans.get(state.next_plan or state.plan, free)
    if _stars_are_coming(conn, tenant_id, now, state.renews_at):
        return None
    if wanted.usd_per_month and not pay_from_wallet(
        conn, tenant_id, wanted, now, ref=f"renewal:{tenant_id}:{state.period_no}"
    ):
        if now < state.renews_at + GRACE:
            return None
        start_plan(conn, tenant_id, free, now)
        return Renewal(tenant_id, state.telegram_user_id, free.name, lapsed=True)
    start_plan(conn, tenant_id, wanted, now, until=_next_end(state.renews_at, now))
    return Renewal(tenant_id, state.telegram_user_id, wanted.name, lapsed=False)


def _stars_are_coming(conn: Connection, tenant_id: int, now: datetime, end: datetime) -> bool:
    """A running subscription renews itself; its payment may be late by the grace."""
    state = scalar(conn, "SELECT state FROM subscriptions WHERE tenant_id = :id", id=tenant_id)
    return bool(state == "active" and now < end + GRACE)


def _next_end(end: datetime, now: datetime) -> datetime:
    """The tenant's own date is kept, however long the clock stood still."""
    while end <= now:
        end += PERIOD
    return end
