"""Reconciliation: Telegram's own list of Star transactions against our books; each difference is a finding."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.money import Money
from engine.tenancy import Plan
from storage.billing import orders, payments, refunds
from storage.billing.payments import Payment, PaymentResult
from storage.billing.refunds import RefundResult
from storage.database import notes
from storage.database.connection import Connection, Row, ms, row
from storage.tenants import tenants

PAYMENT, REFUND, OTHER = "payment", "refund", "other"
CREDITED, REFUNDED, AMOUNT, UNKNOWN, UNLISTED = "credited", "refunded", "amount", "unknown", "unlisted"


@dataclass(frozen=True, slots=True)
class StarEntry:
    """One row of Telegram's list, oldest first. A refund has the charge id of its payment. OTHER: no user's."""

    kind: str
    at: datetime
    payment: Payment


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference. credited, refunded: mended here. amount, unknown, unlisted: for the operator to look at."""

    kind: str
    charge_id: str
    stars: int
    ours: int = 0
    paid: PaymentResult | None = None
    refunded: RefundResult | None = None


def compare(
    conn: Connection, entry: StarEntry, *, per_star: Money, known: Mapping[str, Plan], now: datetime
) -> Finding | None:
    """Book what is missing; None where both say the same."""
    if entry.kind == PAYMENT:
        return _payment(conn, entry, per_star, known, now)
    return _refund(conn, entry.payment, known, now) if entry.kind == REFUND else None


def unlisted(conn: Connection, before: datetime, limit: int = 20) -> list[Finding]:
    """Payments and refunds in our books that a whole reading of Telegram's list did not show, and nobody heard of."""
    rows = conn.rows(
        "SELECT charge_id, stars FROM payments WHERE ((seen_at IS NULL AND paid_at < :before)"
        " OR (refunded_at < :before AND refund_seen_at IS NULL))"
        " AND NOT EXISTS (SELECT 1 FROM notices WHERE key = :notice || charge_id) ORDER BY paid_at LIMIT :n",
        before=ms(before),
        notice=notice_of(UNLISTED),
        n=limit,
    )
    return [Finding(UNLISTED, found["charge_id"], 0, found["stars"]) for found in rows]


def offset(conn: Connection, bot_id: int) -> int:
    """How many transactions of this bot have been read."""
    return int(notes.read(conn, _mark(bot_id)) or 0)


def remember_offset(conn: Connection, bot_id: int, offset: int) -> None:
    notes.write(conn, _mark(bot_id), str(offset))


def notice_of(kind: str, charge_id: str = "") -> str:
    """The notice that says that somebody hears, or has heard, of this finding."""
    return f"stars:{kind}:{charge_id}"


def _payment(
    conn: Connection, entry: StarEntry, per_star: Money, known: Mapping[str, Plan], now: datetime
) -> Finding | None:
    told = entry.payment
    ours = _ours(conn, told.charge_id)
    if ours is None and not _is_of_these_books(conn, entry):
        return Finding(UNKNOWN, told.charge_id, told.stars)
    paid = payments.pay(conn, told, per_star=per_star, known=known, now=now)
    conn.run("UPDATE payments SET seen_at = :now WHERE charge_id = :id", now=ms(now), id=told.charge_id)
    if paid.fresh:
        return Finding(CREDITED, told.charge_id, told.stars, paid=paid)
    if ours is not None and ours["stars"] != told.stars:
        return Finding(AMOUNT, told.charge_id, told.stars, ours["stars"])
    return None


def _refund(conn: Connection, told: Payment, known: Mapping[str, Plan], now: datetime) -> Finding | None:
    """Of a payment that is not in these books there is nothing to take back."""
    done = refunds.refund(conn, told.charge_id, known=known, now=now)
    conn.run("UPDATE payments SET refund_seen_at = :now WHERE charge_id = :id", now=ms(now), id=told.charge_id)
    if done is None or not done.fresh:
        return None
    return Finding(REFUNDED, told.charge_id, told.stars, refunded=done)


def _is_of_these_books(conn: Connection, entry: StarEntry) -> bool:
    """A bot that had other books before must not have its old payments credited again."""
    if orders.order(conn, entry.payment.order_id) is not None:
        return True
    payer = tenants.by_telegram(conn, entry.payment.user_id)
    return payer is not None and payer.created_at <= entry.at


def _ours(conn: Connection, charge_id: str) -> Row | None:
    return row(conn, "SELECT stars FROM payments WHERE charge_id = :id", id=charge_id)


def _mark(bot_id: int) -> str:
    return f"stars:{bot_id}"
