"""Reconciliation of Telegram's list of Star transactions with our payments; each difference is a finding."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.money import Money
from engine.tenancy import Plan
from storage.billing import orders, payments, refunds
from storage.billing.payments import Payment, PaymentResult
from storage.billing.refunds import RefundResult
from storage.database import watermarks
from storage.database.connection import Connection, Row, ms, row
from storage.tenants import tenants

PAYMENT, REFUND, OTHER = "payment", "refund", "other"
CREDITED, REFUNDED, AMOUNT, UNKNOWN, UNLISTED = "credited", "refunded", "amount", "unknown", "unlisted"


@dataclass(frozen=True, slots=True)
class StarEntry:
    """One row of Telegram's list. A refund has its payment's charge id; OTHER is a transaction without a user."""

    kind: str
    at: datetime
    payment: Payment


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between Telegram's list and our payments.

    `kind` is credited or refunded when the reconciliation has booked the difference; amount, unknown or unlisted
    when an operator must look at it.
    """

    kind: str
    charge_id: str
    stars: int
    ours: int = 0
    paid: PaymentResult | None = None
    refunded: RefundResult | None = None


def compare(
    conn: Connection, entry: StarEntry, *, per_star: Money, known: Mapping[str, Plan], now: datetime
) -> Finding | None:
    """Book a payment or refund that is missing here. Return the difference, or None if both lists agree."""
    if entry.kind != OTHER and not entry.payment.is_bookable:
        return Finding(UNKNOWN, str(entry.payment.charge_id), entry.payment.stars)
    if entry.kind == PAYMENT:
        return _payment(conn, entry, per_star, known, now)
    return _refund(conn, entry.payment, known, now) if entry.kind == REFUND else None


def unlisted(conn: Connection, before: datetime, limit: int = 20) -> list[Finding]:
    """Return payments and refunds older than `before` that Telegram's list lacks and that were not reported yet."""
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
    """Return the number of this bot's transactions that have been read."""
    return int(watermarks.read(conn, _note(bot_id)) or 0)


def remember_offset(conn: Connection, bot_id: int, offset: int) -> None:
    watermarks.write(conn, _note(bot_id), str(offset))


def notice_of(kind: str, charge_id: str = "") -> str:
    """Return the name under which a finding is stored only once."""
    return f"stars:{kind}:{charge_id}"


def _payment(
    conn: Connection, entry: StarEntry, per_star: Money, known: Mapping[str, Plan], now: datetime
) -> Finding | None:
    listed = entry.payment
    ours = _ours(conn, listed.charge_id)
    if ours is None and not _belongs_here(conn, entry):
        return Finding(UNKNOWN, listed.charge_id, listed.stars)
    paid = payments.pay(conn, listed, per_star=per_star, known=known, now=now)
    conn.run("UPDATE payments SET seen_at = :now WHERE charge_id = :id", now=ms(now), id=listed.charge_id)
    if paid.fresh:
        return Finding(CREDITED, listed.charge_id, listed.stars, paid=paid)
    if ours is not None and ours["stars"] != listed.stars:
        return Finding(AMOUNT, listed.charge_id, listed.stars, ours["stars"])
    return None


def _refund(conn: Connection, listed: Payment, known: Mapping[str, Plan], now: datetime) -> Finding | None:
    """Book a refund. One whose payment is not stored here is ignored."""
    done = refunds.refund(conn, listed.charge_id, known=known, now=now)
    conn.run("UPDATE payments SET refund_seen_at = :now WHERE charge_id = :id", now=ms(now), id=listed.charge_id)
    if done is None or not done.fresh:
        return None
    return Finding(REFUNDED, listed.charge_id, listed.stars, refunded=done)


def _belongs_here(conn: Connection, entry: StarEntry) -> bool:
    """Return whether the payment belongs to this database: it has its order, or its payer was a tenant at that time.

    If a bot ran on another database before, its old payments must not be credited here.
    """
    if orders.order(conn, entry.payment.order_id) is not None:
        return True
    payer = tenants.by_telegram(conn, entry.payment.user_id)
    return payer is not None and payer.created_at <= entry.at


def _ours(conn: Connection, charge_id: str) -> Row | None:
    return row(conn, "SELECT stars FROM payments WHERE charge_id = :id", id=charge_id)


def _note(bot_id: int) -> str:
    return f"stars:{bot_id}"
