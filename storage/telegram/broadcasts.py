"""Broadcasts: one word to every tenant who can be reached; a crash goes on where it stood."""

from dataclasses import dataclass
from datetime import datetime

from storage.database.connection import Connection, Row, ms, row, scalar

_REACHED = "FROM tenants WHERE telegram_user_id IS NOT NULL AND NOT blocked AND NOT banned AND access = 'in'"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """draft, sending, done or dropped. `after_id`: the last tenant it was sent to."""

    id: int
    text: str
    made_by: int
    state: str
    after_id: int
    sent: int
    missed: int


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
    """`sending` or `dropped`; False when it was decided before."""
    sql = "UPDATE broadcasts SET state = :state WHERE id = :id AND state = 'draft'"
    return bool(conn.run(sql, id=broadcast_id, state=state))


def sending(conn: Connection) -> Broadcast | None:
    """The oldest that is under way."""
    found = row(conn, "SELECT * FROM broadcasts WHERE state = 'sending' ORDER BY id LIMIT 1")
    return None if found is None else _broadcast(found)


def recipient_count(conn: Connection) -> int:
    """How many a broadcast goes to."""
    return int(scalar(conn, f"SELECT count(*) AS n {_REACHED}"))


def next_recipients(conn: Connection, after: int, limit: int) -> list[tuple[int, int]]:
    """(tenant id, Telegram id) of those to be told next."""
    sql = f"SELECT id, telegram_user_id {_REACHED} AND id > :after ORDER BY id LIMIT :n"
    return [(found["id"], found["telegram_user_id"]) for found in conn.rows(sql, after=after, n=limit)]


def record_delivery(conn: Connection, broadcast_id: int, tenant_id: int, *, arrived: bool) -> None:
    conn.run(
        "UPDATE broadcasts SET after_id = :tenant, sent = sent + :sent, missed = missed + :missed WHERE id = :id",
        id=broadcast_id,
        tenant=tenant_id,
        sent=int(arrived),
        missed=int(not arrived),
    )


def finish(conn: Connection, broadcast_id: int) -> Broadcast | None:
    """None when it was finished before."""
    done = conn.run("UPDATE broadcasts SET state = 'done' WHERE id = :id AND state = 'sending'", id=broadcast_id)
    found = row(conn, "SELECT * FROM broadcasts WHERE id = :id", id=broadcast_id) if done else None
    return None if found is None else _broadcast(found)


def _broadcast(found: Row) -> Broadcast:
    names = ("id", "text", "made_by", "state", "after_id", "sent", "missed")
    return Broadcast(**{name: found[name] for name in names})
