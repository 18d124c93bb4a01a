"""The outbox: answers to send, stored in the transaction that charges for them, and marked once Telegram has them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.database.connection import Connection, for_update, ms, row, scalar

HELD_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OutboxPart:
    """One message of an answer; `payload` is JSON."""

    id: int
    request_id: str
    chat_id: int
    payload: str
    user_id: int | None = None


def put(
    conn: Connection,
    request_id: str,
    chat_id: int,
    payloads: Sequence[str],
    lease_id: str,
    now: datetime,
    *,
    user_id: int | None = None,
    shown: bool = False,
) -> None:
    """Store the parts of one answer, to be sent by the process of this lease. A repeated call adds nothing.

    `user_id`: the asker, who gets the answer if the chat can't be written to. `shown`: the asker has seen some of it.
    """
    for seq, payload in enumerate(payloads):
        conn.run(
            "INSERT INTO outbox (request_id, seq, chat_id, payload, state, lease_id, created_at, user_id, shown)"
            " VALUES (:request, :seq, :chat, :payload, 'new', :lease, :now, :user, :shown)"
            " ON CONFLICT (request_id, seq) DO NOTHING",
            request=request_id,
            seq=seq,
            chat=chat_id,
            payload=payload,
            lease=lease_id,
            now=ms(now),
            user=user_id,
            shown=shown,
        )


def parts(conn: Connection, request_id: str, lease_id: str) -> list[OutboxPart]:
    """Return the unsent parts of an answer that the process of this lease must send, in order."""
    return [
        OutboxPart(found["id"], found["request_id"], found["chat_id"], found["payload"], found["user_id"])
        for found in conn.rows(
            "SELECT * FROM outbox WHERE request_id = :id AND state = 'new' AND lease_id = :lease ORDER BY seq",
            id=request_id,
            lease=lease_id,
        )
    ]


def has_others(conn: Connection, lease_id: str) -> bool:
    """Return whether another process, dead or alive, has unsent answers."""
    sql = "SELECT 1 AS one FROM outbox WHERE state = 'new' AND lease_id <> :lease LIMIT 1"
    return bool(conn.rows(sql, lease=lease_id))


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


def sent(conn: Connection, parts: Sequence[OutboxPart], message_id: int, now: datetime) -> None:
    """Mark all parts in one message as sent, and record that message."""
    for part in parts:
        finish(conn, part.id, "sent", now)
    note_message(conn, parts[0].request_id, message_id)


def note_message(conn: Connection, request_id: str, message_id: int) -> None:
    """Record a message of the current answer in its question."""
    sql = "SELECT id, answer_message_ids FROM questions WHERE answer_request_id = :request"
    found = row(conn, sql + for_update(conn), request=request_id)
    if found is None:
        return
    known = json.loads(found["answer_message_ids"])
    if message_id not in known:
        conn.run(
            "UPDATE questions SET answer_message_ids = :ids WHERE id = :id",
            ids=json.dumps([*known, message_id]),
            id=found["id"],
        )


def mark_shown(conn: Connection, request_id: str) -> None:
    """Record that the asker has, or may have, seen some of the answer, so that its charge is not given back."""
    conn.run("UPDATE outbox SET shown = :yes WHERE request_id = :id", id=request_id, yes=True)


def is_shown(conn: Connection, request_id: str) -> bool:
    """Return whether some of the answer was shown or sent."""
    sql = "SELECT COUNT(*) AS n FROM outbox WHERE request_id = :id AND (shown OR state = 'sent')"
    return bool(scalar(conn, sql, id=request_id))


def redirect(conn: Connection, part_id: int, chat_id: int, payload: str) -> None:
    """Send an unsent part to another chat."""
    sql = "UPDATE outbox SET chat_id = :chat, payload = :payload WHERE id = :id AND state = 'new'"
    conn.run(sql, id=part_id, chat=chat_id, payload=payload)


def hold(conn: Connection, request_id: str) -> int:
    """Set the unsent parts aside until their asker can be reached, and return their number."""
    return conn.run("UPDATE outbox SET state = 'held' WHERE request_id = :id AND state = 'new'", id=request_id)


def held(conn: Connection, user_id: int) -> list[str]:
    """Return the requests of the answers that are set aside for this user, oldest first."""
    found = conn.rows(
        "SELECT request_id FROM outbox WHERE state = 'held' AND user_id = :user ORDER BY id", user=user_id
    )
    return list(dict.fromkeys(each["request_id"] for each in found))


def release(conn: Connection, request_id: str, user_id: int, lease_id: str) -> int:
    """Let the process of this lease send the user's parts that were set aside, and return their number."""
    return conn.run(
        "UPDATE outbox SET state = 'new', lease_id = :lease WHERE request_id = :id AND user_id = :user"
        " AND state = 'held'",
        id=request_id,
        user=user_id,
        lease=lease_id,
    )


def drop(conn: Connection, request_id: str, now: datetime) -> None:
    """Delete the texts of an answer that will not be sent."""
    conn.run(
        "UPDATE outbox SET state = 'dropped', sent_at = :now, payload = '' WHERE request_id = :id"
        " AND state IN ('new', 'held')",
        id=request_id,
        now=ms(now),
    )


def forget(conn: Connection, user_id: int) -> None:
    """Delete the answers that are set aside for a user."""
    conn.run("UPDATE outbox SET state = 'dropped', payload = '' WHERE user_id = :user AND state = 'held'", user=user_id)


def sweep(conn: Connection, before: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` finished parts created before `before`, and parts set aside a month before that."""
    return conn.run(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE (state IN ('sent', 'dropped')"
        " AND created_at < :before) OR (state = 'held' AND created_at < :long_before) LIMIT :n)",
        before=ms(before),
        long_before=ms(before - HELD_FOR),
        n=limit,
    )
