"""A tenant, Ann, with orders, payments and refunds."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from engine.money import Money
from engine.tenancy import Plan
from storage.billing import orders, payments, refunds
from storage.billing.orders import PLAN, TOPUP, Order
from storage.billing.payments import Payment, PaymentResult
from storage.billing.refunds import RefundResult
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenants
from tests.storage.books import FREE, NOW, PRO, check_books

T = TypeVar("T")
STAR = Money(13_000_000)
STARTER = Plan(
    name="starter",
    usd_per_month=Money.usd("9"),
    tokens_per_month=2_000_000,
    requests_per_minute=20,
    max_output_tokens=2048,
)
KNOWN = {"free": FREE, "starter": STARTER, "pro": PRO}
MONTH = timedelta(days=30)
ANN = 1001


def ann(conn: Connection) -> int:
    found = tenants.by_telegram(conn, ANN)
    return found.id if found else tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=ANN)


def wallet(conn: Connection) -> Money:
    return state(conn).wallet


def state(conn: Connection) -> tenants.TenantState:
    found = tenants.by_telegram(conn, ANN)
    assert found is not None
    return found


def topup_order(conn: Connection, usd: str = "5") -> Order:
    return orders.make_order(conn, ann(conn), TOPUP, Money.usd(usd), STAR, NOW)


def plan_order(conn: Connection, plan: Plan = STARTER) -> Order:
    return orders.make_order(conn, ann(conn), PLAN, plan.usd_per_month, STAR, NOW, plan=plan.name)


def paid(conn: Connection, order: Order, charge: str = "c1", *, after: timedelta = timedelta(0)) -> PaymentResult:
    """Pay an order at NOW + `after`; a plan is then paid until a month later."""
    until = NOW + after + MONTH if order.kind == PLAN else None
    payment = Payment(charge, order.id, ANN, order.stars, until)
    return payments.pay(conn, payment, per_star=STAR, known=KNOWN, now=NOW + after)


def refunded(conn: Connection, charge: str = "c1", *, after: timedelta = timedelta(0)) -> RefundResult:
    done = refunds.refund(conn, charge, known=KNOWN, now=NOW + after)
    assert done is not None
    return done


def objection(
    conn: Connection, order: Order, *, user: int = ANN, after: timedelta = timedelta(0), **other: object
) -> str | None:
    asked = {"stars": order.stars, "currency": "XTR", **other}
    return orders.objection(conn, order.id, user, int(str(asked["stars"])), str(asked["currency"]), KNOWN, NOW + after)


async def check(db: Database, unit: Callable[[Connection], T]) -> T:
    """Run the unit, and check that the audit finds no problem."""
    result = await db.write(unit)
    await db.read(check_books)
    return result
