"""Stars subscriptions: a tenant has one that runs; what replaces it leaves the old one to be cancelled.

active: renews itself · canceled: runs to its end · failed: Telegram could not collect · ending: must still be
cancelled at Telegram · ended.
"""

from dataclasses import dataclass
from datetime import datetime

from storage.database.connection import Connection, Row, moment, ms, row

RUNNING = "state IN ('active', 'canceled', 'failed')"
SAID = ("active", "canceled", "failed")


@dataclass(frozen=True, slots=True)
class Subscription:
    """`by_us`: cancelled by the bot, which may then take it up again. `until`: paid to there."""

    order_id: str
    tenant_id: int
    plan: str
    state: str
    by_us: bool
    first_charge_id: str
    charge_id: str
    until: datetime

    @property
    def runs(self) -> bool:
        return self.state in SAID

    @property
    def charge_ids(self) -> tuple[str, ...]:
        """What Telegram may know it by, the likeliest first."""
        return tuple(dict.fromkeys((self.first_charge_id, self.charge_id)))


def current(conn: Connection, tenant_id: int) -> Subscription | None:
    found = row(conn, f"SELECT * FROM subscriptions WHERE tenant_id = :id AND {RUNNING}", id=tenant_id)
    return None if found is None else _subscription(found)


def of_order(conn: Connection, order_id: str) -> Subscription | None:
    found = row(conn, "SELECT * FROM subscriptions WHERE order_id = :id", id=order_id)
    return None if found is None else _subscription(found)


def begin(
    conn: Connection, order_id: str, tenant_id: int, plan: str, charge_id: str, until: datetime, *, runs: bool = True
) -> None:
    """A first payment. One that `runs` replaces the running one; one that doesn't is to be cancelled at once."""
    if runs:
        supersede(conn, tenant_id)
    conn.run(
        "INSERT INTO subscriptions (order_id, tenant_id, plan, state, by_us, first_charge_id, charge_id, until_at)"
        " VALUES (:order, :tenant, :plan, :state, :no, :charge, :charge, :until)",
        order=order_id,
        tenant=tenant_id,
        plan=plan,
        state="active" if runs else "ending",
        no=False,
        charge=charge_id,
        until=ms(until),
    )


def renew(conn: Connection, order_id: str, charge_id: str, until: datetime) -> None:
    """Paid again: whatever was said of it before, it runs."""
    conn.run(
        "UPDATE subscriptions SET state = 'active', by_us = :no, charge_id = :charge,"
        " until_at = CASE WHEN until_at > :until THEN until_at ELSE :until END WHERE order_id = :order",
        order=order_id,
        no=False,
        charge=charge_id,
        until=ms(until),
    )


def supersede(conn: Connection, tenant_id: int) -> None:
    """Its plan is replaced: it must be cancelled at Telegram, unless it is cancelled already."""
    conn.run(
        "UPDATE subscriptions SET state = CASE WHEN state = 'canceled' THEN 'ended' ELSE 'ending' END"
        f" WHERE tenant_id = :id AND {RUNNING}",
        id=tenant_id,
    )


def must_cancel(conn: Connection, order_id: str) -> None:
    """To be cancelled at Telegram, though it was before: it was paid again."""
    conn.run("UPDATE subscriptions SET state = 'ending' WHERE order_id = :id", id=order_id)


def report_state(conn: Connection, order_id: str, state: str, *, by_us: bool = False) -> Subscription | None:
    """What Telegram (or, `by_us`, our own call) says of a running one: active, canceled, failed.

    None where nothing changed. What Telegram tells of our own cancelling leaves it ours.
    """
    if state not in SAID:
        return None
    changed = conn.run(
        "UPDATE subscriptions SET state = :state, by_us = :by_us"
        f" WHERE order_id = :id AND {RUNNING} AND (state <> :state OR (:by_us AND NOT by_us))",
        id=order_id,
        state=state,
        by_us=by_us,
    )
    return of_order(conn, order_id) if changed else None


def to_cancel(conn: Connection, limit: int = 50) -> list[tuple[Subscription, int]]:
    """Those to be cancelled at Telegram, with their payers' Telegram ids."""
    rows = conn.rows(
        "SELECT s.*, t.telegram_user_id FROM subscriptions s JOIN tenants t ON t.id = s.tenant_id"
        " WHERE s.state = 'ending' AND t.telegram_user_id IS NOT NULL ORDER BY s.order_id LIMIT :n",
        n=limit,
    )
    return [(_subscription(found), found["telegram_user_id"]) for found in rows]


def mark_canceled(conn: Connection, order_id: str) -> None:
    """Cancelled at Telegram."""
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
