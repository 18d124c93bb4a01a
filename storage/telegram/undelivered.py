"""Answers that no chat takes: kept for their asker if some of it was shown, else given back and withdrawn."""

from datetime import datetime

from storage.database.connection import Connection
from storage.ledger.returns import give_back
from storage.telegram import outbox, replaced_exchanges


def give_up(conn: Connection, request_id: str, now: datetime) -> bool:
    """Return True if the charge was given back. Otherwise some of the answer was shown: it is paid, and kept."""
    if outbox.is_shown(conn, request_id):
        outbox.hold(conn, request_id)
        return False
    outbox.drop(conn, request_id, now)
    return withdraw(conn, request_id, now)


def withdraw(conn: Connection, request_id: str, now: datetime) -> bool:
    """Give the charge back, and forget the answer: one that it replaced stands again, or its question may be asked."""
    if give_back(conn, request_id, now) is None:
        return False
    if replaced_exchanges.put_back(conn, request_id):
        return True
    conn.run("DELETE FROM messages WHERE request_id = :id", id=request_id)
    conn.run(
        "UPDATE questions SET state = 'failed', answer_request_id = NULL WHERE answer_request_id = :id", id=request_id
    )
    return True
