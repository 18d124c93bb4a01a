"""Stars subscriptions. A tenant has at most one current subscription; a replaced one must be cancelled at Telegram.

States: active (renews itself) · canceled (valid to its end) · failed (Telegram could not charge it) · ending (must
still be cancelled at Telegram) · ended.
"""

from dataclasses import dataclass
from datetime import datetime

from storage.database.connection import Connection, Row, moment, ms, row

CURRENT_STATES = ("active", "canceled", "failed")
_IS_CURRENT = "state IN ('active', 'canceled', 'failed')"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription, paid up to `until`. `by_us`: the bot cancelled it, so the bot can also resume it."""

    order_id: str
    tenant_id: int
    plan: str
    state: str
    by_us: bool
    first_charge_id: str
    charge_id: str
    until: datetime

    @property
    def is_current(self) -> bool:
        return self.state in CURRENT_STATES

    @property
    def charge_ids(self) -> tuple[str, ...]:
        """The charge ids that Telegram may use to identify the subscription, the most likely one first."""
        return tuple(dict.fromkeys((self.first_charge_id, self.charge_id)))


def current(conn: Connection, tenant_id: int) -> Subscription | None:
    found = row(conn, f"SELECT * FROM subscriptions WHERE tenant_id = :id AND {_IS_CURRENT}", id=tenant_id)
    return None if found is None else _subscription(found)


def of_order(conn: Connection, order_id: str) -> Subscription | None:
    found = row(conn, "SELECT * FROM subscriptions WHERE order_id = :id", id=order_id)
    return None if found is None else _subscription(found)


def begin(
    conn: Connection,
    order_id: str,
    tenant_id: int,
    plan: str,
    charge_id: str,
    until: datetime,
    *,
    is_current: bool = True,
) -> None:
    """Record a subscription's first payment.

    It replaces the current subscription if `is_current`; otherwise it is marked for cancellation at Telegram.
    """
    if is_current:
        supersede(conn, tenant_id)
    conn.run(
        "INSERT INTO subscriptions (order_id, tenant_id, plan, state, by_us, first_charge_id, charge_id, until_at)"
        " VALUES (:order, :tenant, :plan, :state, :no, :charge, :charge, :until)",
        order=order_id,
        tenant=tenant_id,
        plan=plan,
        state="active" if is_current else "ending",
        no=False,
        charge=charge_id,
        until=ms(until),
    )


def renew(conn: Connection, order_id: str, charge_id: str, until: datetime) -> None:
    """Record a further payment: the subscription becomes active, even if it was cancelled or failed."""
    conn.run(
        "UPDATE subscriptions SET state = 'active', by_us = :no, charge_id = :charge,"
        " until_at = CASE WHEN until_at > :until THEN until_at ELSE :until END WHERE order_id = :order",
        order=order_id,
        no=False,
        charge=charge_id,
        until=ms(until),
    )


def supersede(conn: Connection, tenant_id: int) -> None:
    """End the current subscription because its plan is replaced.

    It must be cancelled at Telegram, unless it is cancelled already.
    """
    conn.run(
        "UPDATE subscriptions SET state = CASE WHEN state = 'canceled' THEN 'ended' ELSE 'ending' END"
        f" WHERE tenant_id = :id AND {_IS_CURRENT}",
        id=tenant_id,
    )


def mark_to_cancel(conn: Connection, order_id: str) -> None:
    """Mark a subscription for cancellation at Telegram, even if it was cancelled before: it was charged again."""
    conn.run("UPDATE subscriptions SET state = 'ending' WHERE order_id = :id", id=order_id)


def record_state(conn: Connection, order_id: str, state: str, *, by_us: bool = False) -> Subscription | None:
    """Store the state of a current subscription: active, canceled or failed. Return None if nothing changed.

    Telegram reports it, or the bot's own call has set it (`by_us`). When Telegram then confirms the bot's own
    cancellation, `by_us` stays set.
    """
    if state not in CURRENT_STATES:
        return None
    changed = conn.run(
        "UPDATE subscriptions SET state = :state, by_us = :by_us"
        f" WHERE order_id = :id AND {_IS_CURRENT} AND (state <> :state OR (:by_us AND NOT by_us))",
        id=order_id,
        state=state,
        by_us=by_us,
    )
    return of_order(conn, order_id) if changed else None


def to_cancel(conn: Connection, limit: int = 50) -> list[tuple[Subscription, int]]:
    """Return the subscriptions to cancel at Telegram, each with the payer's Telegram user id."""
    rows = conn.rows(
        "SELECT s.*, t.telegram_user_id FROM subscriptions s JOIN tenants t ON t.id = s.tenant_id"
        " WHERE s.state = 'ending' AND t.telegram_user_id IS NOT NULL ORDER BY s.order_id LIMIT :n",
        n=limit,
    )
    return [(_subscription(found), found["telegram_user_id"]) for found in rows]


def mark_canceled(conn: Connection, order_id: str) -> None:
    """Record that a subscription was cancelled at Telegram."""
    conn.run("UPDATE subscriptions SET state = 'ended' WHERE order_id = :id AND state = 'ending'", id=order_id)


def _subscription(found: Row) -> Subscription:
    return Subscription(
        found["order_id"],
        found["tenant_id"],
        found["plan"],
        found["state"],
        bool(found["by_us"]),
        found["first_charge_id"],
        found["charge_id"],
        moment(found["until_at"]),
    )
