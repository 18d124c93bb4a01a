"""Refunds: debit the unheld balance, book the rest as owed, and end the plan that the payment bought."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.billing import payments, plans, subscriptions
from storage.billing.payments import Payment
from storage.database.connection import Connection, Row, ms, scalar
from storage.ledger import transfers
from storage.ledger.transfers import credit, debit_or_owe
from storage.tenants import shared_wallets


@dataclass(frozen=True, slots=True)
class RefundResult:
    """The effect of a refund: `taken` from the wallet, `owed` for the rest, `ended` the plan that it ended.

    `fresh` is False when the refund was booked before.
    """

    fresh: bool
    tenant_id: int
    taken: Money = ZERO
    owed: Money = ZERO
    ended: str | None = None


def refund(
    conn: Connection,
    charge_id: str,
    *,
    known: Mapping[str, Plan],
    now: datetime,
    unseen: Payment | None = None,
    per_star: Money = ZERO,
) -> RefundResult | None:
    """Refund a payment once: debit the unheld balance and book the rest as owed. Return None if it is unknown.

    Money for a team that was dissolved is taken from its owner.

    A refund may arrive before its payment: then pass the payment as `unseen`. It is booked first (at `per_star`
    if its order is unknown), so that the payment's own late update credits nothing.
    """
    if unseen is not None:
        payments.book_only(conn, unseen, per_star=per_star, known=known, now=now)
    paid = payments.find(conn, charge_id)
    if paid is None:
        return None
    # locked before the payment is read, so that its team can't be dissolved afterwards
    transfers.lock_account(conn, paid["tenant_id"])
    tenant_id = shared_wallets.heir(conn, paid["tenant_id"]) or paid["tenant_id"]
    amount, ref = Money(paid["credited_nanousd"]), f"refund:{charge_id}"
    transfers.lock_account(conn, tenant_id)
    if not _mark_refunded(conn, charge_id, now):
        sql = "SELECT amount_nanousd FROM transfers WHERE ref = :ref"
        owed = Money(scalar(conn, sql, ref=f"{ref}:owed") or 0)
        return RefundResult(False, tenant_id, amount - owed, owed)
    ended = _end_plan(conn, paid, known, now)
    reason = f"refund of {paid['stars']} Stars"
    taken = debit_or_owe(conn, tenant_id, amount, kind="refund", to="house:stars", ref=ref, reason=reason, now=now)
    return RefundResult(True, tenant_id, taken, amount - taken, ended)


def _mark_refunded(conn: Connection, charge_id: str, now: datetime) -> bool:
    """Mark the payment as refunded. Return False if it was marked before."""
    sql = "UPDATE payments SET refunded_at = :now WHERE charge_id = :id AND refunded_at IS NULL"
    return bool(conn.run(sql, id=charge_id, now=ms(now)))


def _end_plan(conn: Connection, paid: Row, known: Mapping[str, Plan], now: datetime) -> str | None:
    """End the current period if the payment bought it, credit its unused part, and return the plan that ended."""
    state = plans.lock_tenant(conn, paid["tenant_id"])
    if state.period_ref != f"plan:{paid['charge_id']}" or state.renews_at <= now:
        return None
    if unused := plans.unused_part(conn, state, now):
        credit(
            conn,
            state.id,
            unused,
            ref=f"unplan:{paid['charge_id']}",
            reason=f"plan {state.plan} ended by its refund",
            now=now,
            source="house:plans",
        )
    plans.start_plan(conn, state.id, next(iter(known.values())), now)
    subscriptions.supersede(conn, state.id)
    return state.plan
