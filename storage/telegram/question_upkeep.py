"""Questions as personal data: their export, and their deletion on request or after some time."""

import json
from datetime import datetime
from typing import Any

from engine.money import Money
from storage.database.connection import Connection, ms
from storage.telegram import replaced_exchanges


def everything(conn: Connection, tenant_id: int) -> list[dict[str, Any]]:
    """Return all of a tenant's questions, oldest first, for /export."""
    rows = conn.rows("SELECT * FROM questions WHERE tenant_id = :id ORDER BY id", id=tenant_id)
    return [
        {
            "content": json.loads(found["content"]),
            "replaced": replaced_exchanges.said(found["replaced"]),
            "state": found["state"],
            "model": found["model"],
            "agreed_usd": Money(found["agreed_nanousd"]),
            "schedule_id": found["schedule_id"],
            "chat_id": found["chat_id"],
            "thread_id": found["thread_id"],
            "message_id": found["message_id"],
            "at_ms": found["created_at"],
        }
        for found in rows
    ]


def forget(conn: Connection, tenant_id: int) -> int:
    """Delete a tenant's questions and return their number."""
    return conn.run("DELETE FROM questions WHERE tenant_id = :id", id=tenant_id)


def sweep(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` questions that last changed before `before` and whose conversation ended or is gone."""
    return conn.run(
        "DELETE FROM questions WHERE id IN (SELECT q.id FROM questions q"
        " LEFT JOIN conversations c ON c.id = q.conversation_id"
        " WHERE q.changed_at < :before AND (c.id IS NULL OR c.ended_at < :before) LIMIT :n)",
        before=ms(before),
        n=limit,
    )


def forget_updates(conn: Connection, before: datetime, limit: int) -> int:
    """Clear up to `limit` update ids of questions from before `before`, because Telegram may use the ids again."""
    return conn.run(
        "UPDATE questions SET update_id = NULL WHERE id IN (SELECT id FROM questions"
        " WHERE update_id IS NOT NULL AND created_at < :before LIMIT :n)",
        before=ms(before),
        n=limit,
    )
