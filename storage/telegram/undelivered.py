"""Answers that no chat accepts: kept for their asker if a part was shown, else withdrawn and not charged."""

from datetime import datetime

from storage.database.connection import Connection, ms, row
from storage.ledger.returns import give_back
from storage.telegram import outbox, replaced_exchanges
from storage.telegram.questions import QuestionRecord, record_of

UNDELIVERED = "Undelivered"
"""The reason why a question has no answer: no chat accepted it."""


def give_up(conn: Connection, request_id: str, now: datetime) -> bool:
    """Return True if the charge was given back; False if a part was shown, so that the answer is paid and kept."""
    if outbox.is_shown(conn, request_id):
        outbox.hold(conn, request_id)
        return False
    outbox.drop(conn, request_id, now)
    return withdraw(conn, request_id, now)


def withdraw(conn: Connection, request_id: str, now: datetime) -> bool:
    """Give the charge back, and delete the answer. Return False if the charge was given back before.

    If the answer had replaced another one, that one is restored; otherwise the question can be asked again.
    """
    if give_back(conn, request_id, now) is None:
        return False
    if replaced_exchanges.put_back(conn, request_id):
        return True
    conn.run("DELETE FROM messages WHERE request_id = :id", id=request_id)
    conn.run(
        "UPDATE questions SET state = 'failed', answer_request_id = NULL, error = :error, changed_at = :now"
        " WHERE answer_request_id = :id",
        id=request_id,
        error=UNDELIVERED,
        now=ms(now),
    )
    return True


def last_lost(conn: Connection, tenant_id: int, since: datetime) -> QuestionRecord | None:
    """Return the tenant's last question whose answer was withdrawn, if no later question was asked."""
    sql = "SELECT * FROM questions WHERE tenant_id = :tenant ORDER BY id DESC LIMIT 1"
    found = row(conn, sql, tenant=tenant_id)
    is_lost = found is not None and found["state"] == "failed" and found["error"] == UNDELIVERED
    return record_of(found) if found is not None and is_lost and found["changed_at"] >= ms(since) else None
