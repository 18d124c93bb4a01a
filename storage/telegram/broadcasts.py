"""Broadcasts: one message to every tenant who can be reached. After a crash it continues with the next tenant."""

import json
from dataclasses import dataclass
from datetime import datetime

from storage.database.connection import Connection, Row, moment, ms, row, scalar
from storage.tenants import tenants

MOST_NAMED = 50

_RECIPIENTS = "FROM tenants WHERE telegram_user_id IS NOT NULL AND NOT blocked AND NOT banned AND access = 'in'"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One broadcast; `state` is draft, sending, done or dropped. `after_id`: the last tenant that it was sent to.

    `missed_ids`: the first MOST_NAMED tenants that it did not reach.
    """

    id: int
    text: str
    made_by: int
    state: str
    after_id: int
    sent: int
    missed: int
    missed_ids: tuple[int, ...]
    made_at: datetime


def draft(conn: Connection, text: str, made_by: int, now: datetime) -> int:
    return int(
        scalar(
            conn,
            "INSERT INTO broadcasts (text, made_by, state, made_at) VALUES (:text, :by, 'draft', :now) RETURNING id",
            text=text,
            by=made_by,
            now=ms(now),
        )
    )


def decide(conn: Connection, broadcast_id: int, state: str) -> bool:
    """Set a draft to `sending` or `dropped`. Return False if it was decided before."""
    sql = "UPDATE broadcasts SET state = :state WHERE id = :id AND state = 'draft'"
    return bool(conn.run(sql, id=broadcast_id, state=state))


def sending(conn: Connection) -> Broadcast | None:
    """Return the oldest broadcast in state `sending`."""
    found = row(conn, "SELECT * FROM broadcasts WHERE state = 'sending' ORDER BY id LIMIT 1")
    return None if found is None else _broadcast(found)


def recipient_count(conn: Connection) -> int:
    """Return the number of tenants who will get a broadcast."""
    return int(scalar(conn, f"SELECT count(*) AS n {_RECIPIENTS}"))


def next_recipients(conn: Connection, after: int, limit: int) -> list[tuple[int, int]]:
    """Return the next recipients after tenant `after`, each as (tenant id, Telegram user id)."""
    sql = f"SELECT id, telegram_user_id {_RECIPIENTS} AND id > :after ORDER BY id LIMIT :n"
    return [(found["id"], found["telegram_user_id"]) for found in conn.rows(sql, after=after, n=limit)]


def record_delivery(conn: Connection, broadcast_id: int, tenant_id: int, *, arrived: bool) -> None:
    if not arrived:
        _note_missed(conn, broadcast_id, tenant_id)
    conn.run(
        "UPDATE broadcasts SET after_id = :tenant, sent = sent + :sent, missed = missed + :missed WHERE id = :id",
        id=broadcast_id,
        tenant=tenant_id,
        sent=int(arrived),
        missed=int(not arrived),
    )


def _note_missed(conn: Connection, broadcast_id: int, tenant_id: int) -> None:
    known = json.loads(scalar(conn, "SELECT missed_ids FROM broadcasts WHERE id = :id", id=broadcast_id) or "[]")
    if len(known) < MOST_NAMED and tenant_id not in known:
        ids = json.dumps([*known, tenant_id])
        conn.run("UPDATE broadcasts SET missed_ids = :ids WHERE id = :id", ids=ids, id=broadcast_id)


def missed_names(conn: Connection, broadcast: Broadcast) -> list[str]:
    """Return the names of the first MOST_NAMED tenants that the broadcast did not reach."""
    found = (tenants.state(conn, number) for number in broadcast.missed_ids)
    return [state.name or str(state.id) for state in found if state is not None]


def finish(conn: Connection, broadcast_id: int) -> Broadcast | None:
    """Mark a broadcast as done and return it, or None if it was finished before."""
    done = conn.run("UPDATE broadcasts SET state = 'done' WHERE id = :id AND state = 'sending'", id=broadcast_id)
    found = row(conn, "SELECT * FROM broadcasts WHERE id = :id", id=broadcast_id) if done else None
    return None if found is None else _broadcast(found)


def _broadcast(found: Row) -> Broadcast:
    names = ("id", "text", "made_by", "state", "after_id", "sent", "missed")
    missed_ids = tuple(json.loads(found["missed_ids"]))
    return Broadcast(**{name: found[name] for name in names}, missed_ids=missed_ids, made_at=moment(found["made_at"]))
