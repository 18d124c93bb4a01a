"""The outbox: answers to send, stored in the transaction that charges for them, and marked once Telegram has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.database.connection import Connection, ms


@dataclass(frozen=True, slots=True)
class OutboxPart:
    """One message of an answer; `payload` is JSON."""

    id: int
    request_id: str
    chat_id: int
    payload: str


def put(conn: Connection, request_id: str, chat_id: int, payloads: Sequence[str], lease_id: str, now: datetime) -> None:
    """Store the parts of one answer, to be sent by the process of this lease. A repeated call adds nothing."""
    for seq, payload in enumerate(payloads):
        conn.run(
            "INSERT INTO outbox (request_id, seq, chat_id, payload, state, lease_id, created_at)"
            " VALUES (:request, :seq, :chat, :payload, 'new', :lease, :now)"
            " ON CONFLICT (request_id, seq) DO NOTHING",
            request=request_id,
            seq=seq,
            chat=chat_id,
            payload=payload,
            lease=lease_id,
            now=ms(now),
        )


def parts(conn: Connection, request_id: str, lease_id: str) -> list[OutboxPart]:
    """Return the unsent parts of an answer that the process of this lease must send, in order."""
    return [
        OutboxPart(found["id"], found["request_id"], found["chat_id"], found["payload"])
        for found in conn.rows(
            "SELECT * FROM outbox WHERE request_id = :id AND state = 'new' AND lease_id = :lease ORDER BY seq",
            id=request_id,
            lease=lease_id,
        )
    ]


def adopt(conn: Connection, is_dead: Callable[[str], bool], lease_id: str) -> list[str]:
    """Take over the unsent answers of dead processes and return their request ids, oldest first."""
    unsent = conn.rows(
        "SELECT request_id, lease_id FROM outbox WHERE state = 'new' AND lease_id <> :lease ORDER BY id", lease=lease_id
    )
    orphans = {(each["request_id"], each["lease_id"]): None for each in unsent if is_dead(each["lease_id"])}
    sql = "UPDATE outbox SET lease_id = :lease WHERE request_id = :id AND lease_id = :dead AND state = 'new'"
    return [request for request, dead in orphans if conn.run(sql, lease=lease_id, id=request, dead=dead)]


def finish(conn: Connection, part_id: int, state: str, now: datetime) -> None:
    """Mark a part as `sent`, or as `dropped` when Telegram will never accept it, and delete its payload."""
    conn.run(
        "UPDATE outbox SET state = :state, sent_at = :now, payload = '' WHERE id = :id",
        id=part_id,
        state=state,
        now=ms(now),
    )


def sweep(conn: Connection, before: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` finished parts that were created before `before`, and return their number."""
    return conn.run(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state <> 'new' AND created_at < :before LIMIT :n)",
        before=ms(before),
        n=limit,
    )
