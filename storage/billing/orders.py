"""Orders: purchases offered to a tenant. An order keeps the price and the Stars rate at which it was made."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.money import Money
from engine.tenancy import Plan
from storage.billing import subscriptions
from storage.database.connection import Connection, Row, moment, ms, row
from storage.tenants import shared_wallets, tenants

ORDER_LIFE = timedelta(days=1)
TOPUP, PLAN = "topup", "plan"


@dataclass(frozen=True, slots=True)
class Order:
    """One offered purchase. Paying it credits `usd`; `price` is the plan's price when the order was made.

    `payer_id`: the tenant that pays for the wallet of a team or group; None: the tenant itself.
    """

    id: str
    tenant_id: int
    kind: str
    plan: str | None
    stars: int
    usd: Money
    per_star: Money
    price: Money | None
    paid: bool
    made_at: datetime
    payer_id: int | None = None


def stars_for(usd: Money, per_star: Money) -> int:
    """Return the least number of Stars that is worth `usd`: ceil(usd / per_star)."""
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
    payer_id: int | None = None,
) -> Order:
    """Create an order for at least `usd`. Paying it credits its number of Stars x `per_star`."""
    stars, order_id = stars_for(usd, per_star), f"{kind}-{secrets.token_urlsafe(12)}"
    conn.run(
        "INSERT INTO orders (id, tenant_id, kind, plan, stars, usd_nanousd, nanousd_per_star, price_nanousd, state,"
        " created_at, payer_id) VALUES (:id, :tenant, :kind, :plan, :stars, :usd, :rate, :price, 'new', :now, :payer)",
        id=order_id,
        tenant=tenant_id,
        kind=kind,
        plan=plan,
        stars=stars,
        usd=stars * per_star.nanousd,
        rate=per_star.nanousd,
        price=usd.nanousd if kind == PLAN else None,
        now=ms(now),
        payer=payer_id,
    )
    made = order(conn, order_id)
    assert made is not None
    return made


def order(conn: Connection, order_id: str) -> Order | None:
    found = row(conn, "SELECT * FROM orders WHERE id = :id", id=order_id)
    return None if found is None else _order(found)


def mark_paid(conn: Connection, order_id: str) -> None:
    conn.run("UPDATE orders SET state = 'paid' WHERE id = :id", id=order_id)


def objection(
    conn: Connection,
    order_id: str,
    user_id: int,
    stars: int,
    currency: str,
    plans: Mapping[str, Plan],
    now: datetime,
) -> str | None:
    """Return why a pre-checkout query must be refused, as a key of the locales; None if the order may be paid.

    unknown (no such order), other (another tenant's order), closed (the tenant has no access), amount (Stars or
    currency differ), expired (also: its team was dissolved, or the payer has left it), twice (paid before, or the plan
    is active), gone (the plan left the configuration), lower (a dearer plan is active), owed (the tenant has a debt).
    """
    wanted = order(conn, order_id)
    if wanted is None:
        return "unknown"
    payer = tenants.by_telegram(conn, user_id)
    if payer is None or payer.id != (wanted.payer_id or wanted.tenant_id):
        return "other"
    if payer.banned or not payer.is_admitted:
        return "closed"
    if currency != "XTR" or wanted.stars != stars:
        return "amount"
    if wanted.made_at < now - ORDER_LIFE or not shared_wallets.may_fill(conn, wanted.tenant_id, payer.id):
        return "expired"
    return _plan_objection(conn, wanted, payer, plans, now) if wanted.kind == PLAN else None


def _plan_objection(
    conn: Connection, wanted: Order, payer: tenants.TenantState, plans: Mapping[str, Plan], now: datetime
) -> str | None:
    current = subscriptions.current(conn, payer.id)
    same = current is not None and current.plan == wanted.plan and current.state == "active" and current.until > now
    if wanted.paid or same:
        return "twice"
    if wanted.plan not in plans:
        return "gone"
    if payer.owed:
        return "owed"
    paid = tenants.paid_for_period(conn, payer)
    lower = payer.renews_at > now and wanted.price is not None and wanted.price < paid
    return "lower" if lower else None


def _order(found: Row) -> Order:
    price = found["price_nanousd"]
    return Order(
        found["id"],
        found["tenant_id"],
        found["kind"],
        found["plan"],
        found["stars"],
        Money(found["usd_nanousd"]),
        Money(found["nanousd_per_star"]),
        None if price is None else Money(price),
        found["state"] == "paid",
        moment(found["created_at"]),
        found["payer_id"],
    )
