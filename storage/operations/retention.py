"""Deletion of tenants' texts, for tenants who chose a shorter time than the operator's.

Each text is deleted this many days after it was written, even in a continuing conversation: questions and answers,
stored responses, answers that were sent or dropped, and the names and summaries of conversations.
"""

from datetime import datetime
from typing import Any

from storage.database.connection import Connection, ms

DAY_MS = 86_400_000
# CROSS JOIN makes SQLite begin with the tenants, few of whom have chosen a time, instead of with every text.
_OVERDUE = "t.keep_days IS NOT NULL AND {time} < :now - t.keep_days * :day"
_UNITS = (
    "DELETE FROM {table} WHERE id IN (SELECT x.id FROM tenants t CROSS JOIN {table} x"
    " WHERE x.tenant_id = t.id AND " + _OVERDUE + " LIMIT :n)"
)
_SENT = (
    "DELETE FROM outbox WHERE id IN (SELECT x.id FROM outbox x JOIN tenants t ON t.telegram_user_id = x.{column}"
    " WHERE x.state <> 'new' AND " + _OVERDUE.format(time="x.created_at") + " LIMIT :n)"
)
# A scheduled prompt that failed or was skipped leaves a conversation that is named after it and has no message.
_SUMMARIES = (
    "UPDATE conversations SET title = '', summary = '', summarised_id = 0 WHERE (title <> '' OR summary <> '')"
    " AND id IN (SELECT x.conversation_id FROM tenants t CROSS JOIN messages x"
    " WHERE x.tenant_id = t.id AND " + _OVERDUE.format(time="x.created_at") + " UNION ALL"
    " SELECT x.id FROM tenants t CROSS JOIN conversations x WHERE x.chat_id = t.telegram_user_id AND "
    + _OVERDUE.format(time="x.created_at")
    + " AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = x.id))"
)


def sweep(conn: Connection, now: datetime, limit: int) -> int:
    """Delete up to `limit` overdue texts of each kind; return the largest number of one kind."""
    overdue: dict[str, Any] = {"now": ms(now), "day": DAY_MS}
    conn.run(_SUMMARIES, **overdue)
    values = {**overdue, "n": limit}
    tables = (("messages", "x.created_at"), ("questions", "x.created_at"), ("stored_responses", "x.created_at"))
    deleted = [conn.run(_UNITS.format(table=table, time=time), **values) for table, time in tables]
    deleted += [conn.run(_SENT.format(column=column), **values) for column in ("chat_id", "user_id")]
    return max(deleted)
