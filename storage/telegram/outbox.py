"""Answers to be sent: written in the transaction that charges for them, marked when Telegram has them."""

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
    """What of this answer is still to be sent by the process of this lease, in order."""
    return [
        OutboxPart(found["id"], found["request_id"], found["chat_id"], found["payload"])
        for found in conn.rows(
            "SELECT * FROM outbox WHERE request_id = :id AND state = 'new' AND lease_id = :lease ORDER BY seq",
            id=request_id,
            lease=lease_id,
        )
    ]


def adopt(conn: Connection, is_dead: Callable[[str], bool], lease_id: str) -> list[str]:
    """Take over what dead processes had charged for and not sent; whose answers, oldest first."""
    left = conn.rows(
        "SELECT request_id, lease_id FROM outbox WHERE state = 'new' AND lease_id <> :mine ORDER BY id", mine=lease_id
    )
    found = {(each["request_id"], each["lease_id"]): None for each in left if is_dead(each["lease_id"])}
    sql = "UPDATE outbox SET lease_id = :mine WHERE request_id = :id AND lease_id = :theirs AND state = 'new'"
    return [request for request, lease in found if conn.run(sql, mine=lease_id, id=request, theirs=lease)]


def finish(conn: Connection, part_id: int, state: str, now: datetime) -> None:
    """`sent`, or `dropped` where Telegram will never take it. Its words are forgotten."""
    conn.run(
        "UPDATE outbox SET state = :state, sent_at = :now, payload = '' WHERE id = :id",
        id=part_id,
        state=state,
        now=ms(now),
    )


def sweep(conn: Connection, before: datetime, limit: int = 1000) -> int:
    return conn.run(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state <> 'new' AND created_at < :before LIMIT :n)",
        before=ms(before),
        n=limit,
    )
