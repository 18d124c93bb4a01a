"""Payments in Telegram Stars: each charge id is credited once, even if it is delivered twice, late or out of order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.billing import orders, plans, subscriptions
from storage.billing.orders import PLAN, TOPUP, Order
from storage.database.connection import Connection, Row, ms, row, scalar
from storage.ledger import transfers
from storage.ledger.transfers import credit
from storage.tenants import shared_wallets, tenants
from storage.tenants.tenants import PERIOD

MOST_STARS = 1_000_000_000
"""An amount over this is a fault of the report: Telegram's own invoices have far lower limits."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as Telegram reports it. `until`: the end of the period that a subscription's payment bought."""

    charge_id: str
    order_id: str
    user_id: int
    stars: int
    until: datetime | None = None

    @property
    def is_bookable(self) -> bool:
        """Whether it names a charge and a whole, positive number of Stars. Another one must not be retried."""
        is_named = isinstance(self.charge_id, str) and self.charge_id != ""
        return is_named and type(self.stars) is int and 0 < self.stars <= MOST_STARS


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """The effect of booking a payment. `fresh` is False when it was booked before and nothing changed.

    `is_shared`: the wallet of a team or group was credited.
    `plan` is the plan that the payment started, `unused` the credit for the unused part of the one before.
    `kept` is the reason why the money for a plan stayed in the wallet:
    gone (the plan left the configuration), replaced (another subscription replaced this one), late (the paid period
    is over), lower (a dearer plan is active), twice (the plan is active), owed (the credit repaid a debt first).
    """

    fresh: bool
    tenant_id: int
    credited: Money = ZERO
    plan: str | None = None
    kept: str | None = None
    is_shared: bool = False
    unused: Money = ZERO


def pay(
    conn: Connection, payment: Payment, *, per_star: Money, known: Mapping[str, Plan], now: datetime
) -> PaymentResult:
    """Book a payment once. Without a known order its Stars are credited at the current rate `per_star`."""
    before = find(conn, payment.charge_id)
    if before is not None:
        return _again(conn, before)
    order = _standing(conn, orders.order(conn, payment.order_id))
    tenant_id = order.tenant_id if order else _payer(conn, payment.user_id, known, now)
    credited = _book(conn, payment, order, tenant_id, per_star, now)
    if credited is None:
        booked = find(conn, payment.charge_id)
        assert booked is not None
        return _again(conn, booked)
    if order is None or order.kind != PLAN:
        return PaymentResult(True, tenant_id, credited, is_shared=order is not None and order.payer_id is not None)
    return _plan_paid(conn, payment, order, credited, known, now)


def book_only(conn: Connection, payment: Payment, *, per_star: Money, known: Mapping[str, Plan], now: datetime) -> None:
    """Credit a payment without starting the plan that it was for. Do nothing if it was booked before."""
    if find(conn, payment.charge_id) is None:
        order = _standing(conn, orders.order(conn, payment.order_id))
        owner = order.tenant_id if order else _payer(conn, payment.user_id, known, now)
        _book(conn, payment, order, owner, per_star, now)


def find(conn: Connection, charge_id: str) -> Row | None:
    return row(conn, "SELECT * FROM payments WHERE charge_id = :id", id=charge_id)


def payer_of(conn: Connection, charge_id: str) -> int | None:
    """Return the Telegram user id of the payer, or None if the payment is unknown."""
    found = row(
        conn,
        "SELECT t.telegram_user_id AS id FROM payments p JOIN tenants t ON t.id = COALESCE(p.payer_id, p.tenant_id)"
        " WHERE p.charge_id = :id",
        id=charge_id,
    )
    return None if found is None else found["id"]


def latest(conn: Connection, tenant_id: int, limit: int = 5) -> list[Row]:
    """Return the tenant's latest rows of `payments`, newest first."""
    sql = "SELECT * FROM payments WHERE tenant_id = :id ORDER BY paid_at DESC, charge_id LIMIT :n"
    return conn.rows(sql, id=tenant_id, n=limit)


def _standing(conn: Connection, order: Order | None) -> Order | None:
    """Return the order. If its team was dissolved meanwhile, the order becomes a top-up of the payer's own wallet."""
    if order is None or order.payer_id is None:
        return order
    # the lock prevents that the team is dissolved between this check and the credit
    transfers.lock_account(conn, order.tenant_id)
    if shared_wallets.heir(conn, order.tenant_id) is None:
        return order
    return replace(order, tenant_id=order.payer_id, payer_id=None)


def _again(conn: Connection, before: Row) -> PaymentResult:
    """Return the result of a payment that was booked before."""
    reason = scalar(conn, "SELECT reason FROM transfers WHERE ref = :ref", ref=f"plan:{before['charge_id']}")
    plan = reason.removeprefix("plan ") if reason else None
    is_shared = before["payer_id"] is not None
    return PaymentResult(False, before["tenant_id"], Money(before["credited_nanousd"]), plan, is_shared=is_shared)


def _book(
    conn: Connection, payment: Payment, order: Order | None, tenant_id: int, per_star: Money, now: datetime
) -> Money | None:
    """Insert the payment, credit it and return the amount, or None if another transaction has booked it meanwhile."""
    credited = Money(payment.stars * (order.per_star if order else per_star).nanousd)
    transfers.lock_account(conn, tenant_id)
    fresh = conn.run(
        "INSERT INTO payments"
        " (charge_id, order_id, tenant_id, stars, credited_nanousd, kind, subscription_until, paid_at, payer_id)"
        " VALUES (:charge, :order, :tenant, :stars, :credited, :kind, :until, :now, :payer) ON CONFLICT DO NOTHING",
        charge=payment.charge_id,
        order=payment.order_id,
        tenant=tenant_id,
        stars=payment.stars,
        credited=credited.nanousd,
        kind=order.kind if order else TOPUP,
        until=ms(payment.until) if payment.until else None,
        now=ms(now),
        payer=order.payer_id if order else None,
    )
    if not fresh:
        return None
    credit(
        conn,
        tenant_id,
        credited,
        ref=f"stars:{payment.charge_id}",
        reason=f"{payment.stars} Stars",
        now=now,
        source="house:stars",
    )
    orders.mark_paid(conn, payment.order_id)
    return credited


def _plan_paid(
    conn: Connection, payment: Payment, order: Order, credited: Money, known: Mapping[str, Plan], now: datetime
) -> PaymentResult:
    """Take the price of the plan from the wallet and start the plan. The rest of the credit stays in the wallet."""
    assert order.plan is not None
    until = payment.until or now + PERIOD
    sub = subscriptions.of_order(conn, order.id)
    state = plans.lock_tenant(conn, order.tenant_id)
    plan = known.get(order.plan)
    price = _price(order, plan)
    kept = _reason_to_keep(conn, order, sub, state, plan, until, now)
    if kept is None:
        assert plan is not None
        if not plans.pay_from_wallet(conn, state.id, plan, price, now, ref=f"plan:{payment.charge_id}"):
            kept = "owed"
    if kept is not None:
        _cancel_subscription(conn, payment, order, sub, kept, until)
        return PaymentResult(True, state.id, credited, kept=kept)
    assert plan is not None
    unused = plans.credit_unused(conn, state, max(now, until - PERIOD), now)
    plans.start_plan(conn, state.id, plan, now, until, ref=f"plan:{payment.charge_id}")
    if sub is None:
        subscriptions.begin(conn, order.id, state.id, plan.name, payment.charge_id, until)
    else:
        subscriptions.renew(conn, order.id, payment.charge_id, until)
    return PaymentResult(True, state.id, credited, plan.name, unused=unused)


def _reason_to_keep(
    conn: Connection,
    order: Order,
    sub: subscriptions.Subscription | None,
    state: tenants.TenantState,
    plan: Plan | None,
    until: datetime,
    now: datetime,
) -> str | None:
    """Return why a plan's payment must stay in the wallet, or None if the plan may start."""
    if plan is None:
        return "gone"
    if sub is not None and not sub.is_current:
        return "replaced"
    if until <= now or (sub is not None and state.plan == plan.name and until <= state.renews_at):
        return "late"
    if sub is not None:
        return None
    current = subscriptions.current(conn, state.id)
    if current is not None and current.state == "active" and current.plan == plan.name and current.until > now:
        return "twice"
    lower = state.renews_at > now and _price(order, plan) < tenants.paid_for_period(conn, state)
    return "lower" if lower else None


def _cancel_subscription(
    conn: Connection,
    payment: Payment,
    order: Order,
    sub: subscriptions.Subscription | None,
    kept: str,
    until: datetime,
) -> None:
    """Mark the subscription for cancellation at Telegram, because its payment started no plan."""
    assert order.plan is not None
    if sub is None:
        subscriptions.begin(conn, order.id, order.tenant_id, order.plan, payment.charge_id, until, is_current=False)
    elif kept in ("gone", "replaced"):
        subscriptions.mark_to_cancel(conn, order.id)


def _price(order: Order, plan: Plan | None) -> Money:
    """Return the price that the order offered, at most its credit. Orders of older releases have no price stored."""
    offered = order.price if order.price is not None else plan.usd_per_month if plan else order.usd
    return min(offered, order.usd)


def _payer(conn: Connection, user_id: int, known: Mapping[str, Plan], now: datetime) -> int:
    found = tenants.by_telegram(conn, user_id)
    return (
        found.id if found else tenants.create(conn, "", next(iter(known.values())), now=now, telegram_user_id=user_id)
    )
