"""Orders and payments: each Telegram charge id is credited once, as paid, whatever is delivered twice."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage import plans as plan_units
from storage import tenants
from storage.connection import Connection, Row, ms, row
from storage.ledger import credit, debit_or_owe

ORDER_LIFE = timedelta(days=1)
TOPUP, PLAN = "topup", "plan"


@dataclass(frozen=True, slots=True)
class Order:
    """What an invoice asks for. `usd` is what paying it credits."""

    id: str
    tenant_id: int
    kind: str
    plan: str | None
    stars: int
    usd: Money
    per_star: Money


@dataclass(frozen=True, slots=True)
class Paid:
    """What a payment did. `fresh` False: it was known, and nothing happened again."""

    fresh: bool
    tenant_id: int
    credited: Money = ZERO
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    """`taken` from the wallet, `owed` the rest. `fresh` False: it was booked before."""

    fresh: bool
    tenant_id: int
    taken: Money = ZERO
    owed: Money = ZERO


def stars_for(usd: Money, per_star: Money) -> int:
    """ceil(USD / usd_per_star)."""
    return -(-usd.nanousd // per_star.nanousd)


def make_order(
    conn: Connection,
    tenant_id: int,
    kind: str,
    usd: Money,
    per_star: Money,
    now: datetime,
    *,
    plan: str | None = None,
) -> Order:
    """Ask for `usd`; what is credited is Stars x this order's rate."""
    stars = stars_for(usd, per_star)
    order = Order(
        f"{kind}-{secrets.token_urlsafe(12)}",
        tenant_id,
        kind,
        plan,
        stars,
        Money(stars * per_star.nanousd),
        per_star,
    )
    conn.run(
        "INSERT INTO orders (id, tenant_id, kind, plan, stars, usd_nanousd, nanousd_per_star, state, created_at)"
        " VALUES (:id, :tenant, :kind, :plan, :stars, :usd, :rate, 'new', :now)",
        id=order.id,
        tenant=tenant_id,
        kind=kind,
        plan=plan,
        stars=stars,
        usd=order.usd.nanousd,
        rate=per_star.nanousd,
        now=ms(now),
    )
    return order


def order(conn: Connection, order_id: str) -> Order | None:
    found = row(conn, "SELECT * FROM orders WHERE id = :id", id=order_id)
    return None if found is None else _order(found)


def objection(conn: Connection, order_id: str, user_id: int, stars: int, now: datetime) -> str | None:
    """Why a pre-checkout must be refused, as a word of the locales: unknown, other, amount, expired, twice."""
    found = row(conn, "SELECT * FROM orders WHERE id = :id", id=order_id)
    if found is None:
        return "unknown"
    payer = tenants.by_telegram(conn, user_id)
    if payer is None or payer.id != found["tenant_id"]:
        return "other"
    if found["stars"] != stars:
        return "amount"
    if found["created_at"] < ms(now - ORDER_LIFE):
        return "expired"
    return "twice" if found["kind"] == PLAN and _subscribed(conn, found, now) else None


def pay(
    conn: Connection,
    *,
    charge_id: str,
    order_id: str,
    user_id: int,
    stars: int,
    per_star: Money,
    plans: Mapping[str, Plan],
    now: datetime,
    subscription_until: datetime | None = None,
) -> Paid:
    """Book a payment once. What was paid is credited even where its order is unknown, at today's rate."""
    known = row(conn, "SELECT tenant_id FROM payments WHERE charge_id = :id", id=charge_id)
    if known is not None:
        return Paid(False, known["tenant_id"])
    found = order(conn, order_id)
    tenant_id = found.tenant_id if found else _payer(conn, user_id, plans, now)
    credited = Money(stars * (found.per_star if found else per_star).nanousd)
    fresh = conn.run(
        "INSERT INTO payments"
        " (charge_id, order_id, tenant_id, stars, credited_nanousd, kind, subscription_until, paid_at)"
        " VALUES (:charge, :order, :tenant, :stars, :credited, :kind, :until, :now) ON CONFLICT DO NOTHING",
        charge=charge_id,
        order=order_id,
        tenant=tenant_id,
        stars=stars,
        credited=credited.nanousd,
        kind=found.kind if found else TOPUP,
        until=ms(subscription_until) if subscription_until else None,
        now=ms(now),
    )
    if not fresh:
        return Paid(False, tenant_id)
    credit(
        conn,
        tenant_id,
        credited,
        ref=f"stars:{charge_id}",
        reason=f"{stars} Stars",
        now=now,
        source="house:stars",
    )
    conn.run("UPDATE orders SET state = 'paid' WHERE id = :id", id=order_id)
    if found is None or found.kind != PLAN or found.plan not in plans:
        return Paid(True, tenant_id, credited)
    return _begin_plan(conn, found, plans, charge_id, subscription_until, now)


def refund(conn: Connection, charge_id: str, now: datetime) -> Refunded | None:
    """Debit what is left and book the rest as owed, once. None: no such payment."""
    paid = row(conn, "SELECT * FROM payments WHERE charge_id = :id", id=charge_id)
    if paid is None:
        return None
    fresh = conn.run(
        "UPDATE payments SET refunded_at = :now WHERE charge_id = :id AND refunded_at IS NULL",
        id=charge_id,
        now=ms(now),
    )
    if not fresh:
        return Refunded(False, paid["tenant_id"])
    amount = Money(paid["credited_nanousd"])
    taken = debit_or_owe(
        conn,
        paid["tenant_id"],
        amount,
        kind="refund",
        to="house:stars",
        ref=f"refund:{charge_id}",
        reason=f"refund of {paid['stars']} Stars",
        now=now,
    )
    return Refunded(True, paid["tenant_id"], taken, amount - taken)


def payer_of(conn: Connection, charge_id: str) -> int | None:
    """The Telegram user who paid."""
    found = row(
        conn,
        "SELECT t.telegram_user_id AS id FROM payments p JOIN tenants t ON t.id = p.tenant_id WHERE p.charge_id = :id",
        id=charge_id,
    )
    return None if found is None else found["id"]


def cancel_subscription(conn: Connection, tenant_id: int, state: str) -> bool:
    """Remember what Telegram says of a subscription: active, canceled, failed."""
    return bool(conn.run("UPDATE subscriptions SET state = :state WHERE tenant_id = :id", id=tenant_id, state=state))


def subscription(conn: Connection, tenant_id: int) -> Row | None:
    """charge_id, plan, state, until_at of the running one."""
    return row(conn, "SELECT * FROM subscriptions WHERE tenant_id = :id", id=tenant_id)


def _begin_plan(
    conn: Connection,
    found: Order,
    plans: Mapping[str, Plan],
    charge_id: str,
    until: datetime | None,
    now: datetime,
) -> Paid:
    """The Stars were credited; the plan's price goes from there. What they were worth above it stays in the wallet."""
    assert found.plan is not None
    plan = plans[found.plan]
    state = tenants.state(conn, found.tenant_id)
    assert state is not None
    renewal = state.plan == plan.name
    if not plan_units.pay_from_wallet(conn, found.tenant_id, plan, now, ref=f"plan:{charge_id}"):
        return Paid(True, found.tenant_id, found.usd)  # the price rose since: the Stars stay in the wallet
    old = plans.get(state.plan)
    if old is not None and not renewal:
        plan_units.credit_unused(conn, state, old, now)
    plan_units.start_plan(conn, found.tenant_id, plan, now, until=until)
    _remember_subscription(conn, found, charge_id, until, now)
    return Paid(True, found.tenant_id, found.usd, plan.name)


def _remember_subscription(
    conn: Connection, found: Order, charge_id: str, until: datetime | None, now: datetime
) -> None:
    conn.run(
        "INSERT INTO subscriptions (tenant_id, charge_id, order_id, plan, state, until_at)"
        " VALUES (:tenant, :charge, :order, :plan, 'active', :until) ON CONFLICT (tenant_id) DO UPDATE SET"
        " charge_id = excluded.charge_id, order_id = excluded.order_id, plan = excluded.plan,"
        " state = 'active', until_at = excluded.until_at",
        tenant=found.tenant_id,
        charge=charge_id,
        order=found.id,
        plan=found.plan,
        until=ms(until or now + tenants.PERIOD),
    )


def _subscribed(conn: Connection, wanted: Row, now: datetime) -> bool:
    """A second subscription to the same plan would be paid twice."""
    running = subscription(conn, wanted["tenant_id"])
    return (
        running is not None
        and running["state"] == "active"
        and running["plan"] == wanted["plan"]
        and running["until_at"] > ms(now)
    )


def _payer(conn: Connection, user_id: int, plans: Mapping[str, Plan], now: datetime) -> int:
    free = next(iter(plans.values()))
    state, _ = tenants.ensure_telegram(conn, user_id, name="", username="", language="", plan=free, now=now)
    return state.id


def _order(found: Row) -> Order:
    return Order(
        found["id"],
        found["tenant_id"],
        found["kind"],
        found["plan"],
        found["stars"],
        Money(found["usd_nanousd"]),
        Money(found["nanousd_per_star"]),
    )
