"""Conversations listed, searched, resumed, exported and deleted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database.connection import Connection, Row, moment, ms, row

MOST_SEARCHED = 5000
MOST_FOUND = 8


@dataclass(frozen=True, slots=True)
class ConversationLine:
    """One conversation of a list. `first_text`: its first question; `title`: its name, if it has one."""

    id: int
    thread_id: int
    title: str
    first_text: str
    questions: int
    last_at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class ConversationMessage:
    """One message of a conversation. Pictures are shown as `[image]`."""

    id: int
    role: str
    text: str
    at: datetime


_LAST_ID = 2**63 - 1
_LINES = (
    "SELECT c.*, (SELECT COUNT(*) FROM messages m WHERE m.conversation_id = c.id AND m.role = 'user') AS questions,"
    " (SELECT MAX(m.created_at) FROM messages m WHERE m.conversation_id = c.id) AS last_at,"
    " (SELECT m.parts FROM messages m WHERE m.conversation_id = c.id AND m.role = 'user' ORDER BY m.id LIMIT 1)"
    " AS first_parts FROM conversations c WHERE c.chat_id = :chat"
    " AND EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.role = 'user')"
)


def page(conn: Connection, chat_id: int, *, offset: int, limit: int) -> list[ConversationLine]:
    """Return the conversations of a chat, the most recently used first."""
    sql = f"{_LINES} ORDER BY last_at DESC, c.id DESC LIMIT :n OFFSET :offset"
    return [_line(found) for found in conn.rows(sql, chat=chat_id, n=limit, offset=offset)]


def find(conn: Connection, chat_id: int, conversation_id: int) -> ConversationLine | None:
    """Return one conversation of this chat."""
    found = row(conn, f"{_LINES} AND c.id = :id", chat=chat_id, id=conversation_id)
    return None if found is None else _line(found)


def search(conn: Connection, chat_id: int, words: Sequence[str]) -> list[ConversationLine]:
    """Return the newest conversations that have a message with all these words, in upper or lower case."""
    wanted = [word.casefold() for word in words]
    rows = conn.rows(
        "SELECT m.conversation_id AS id, m.parts FROM messages m JOIN conversations c ON c.id = m.conversation_id"
        " WHERE c.chat_id = :chat ORDER BY m.id DESC LIMIT :n",
        chat=chat_id,
        n=MOST_SEARCHED,
    )
    found: dict[int, None] = {}
    for each in rows:
        text = text_of(each["parts"]).casefold()
        if each["id"] not in found and all(word in text for word in wanted):
            found[each["id"]] = None
    lines = (find(conn, chat_id, conversation) for conversation in list(found)[:MOST_FOUND])
    return [line for line in lines if line is not None]


def resume(conn: Connection, chat_id: int, thread_id: int, conversation_id: int, now: datetime) -> bool:
    """Reopen a conversation of this chat in this thread, and close the open one. Return False if it does not exist."""
    if (
        row(
            conn,
            "SELECT 1 AS one FROM conversations WHERE id = :id AND chat_id = :chat",
            id=conversation_id,
            chat=chat_id,
        )
        is None
    ):
        return False
    conn.run(
        "UPDATE conversations SET ended_at = :now WHERE chat_id = :chat AND thread_id = :thread AND ended_at IS NULL"
        " AND id <> :id",
        now=ms(now),
        chat=chat_id,
        thread=thread_id,
        id=conversation_id,
    )
    conn.run(
        "UPDATE conversations SET ended_at = NULL, thread_id = :thread WHERE id = :id",
        thread=thread_id,
        id=conversation_id,
    )
    return True


def delete(conn: Connection, chat_id: int, conversation_id: int) -> bool:
    """Delete a conversation of this chat with its messages and questions. Return False if it does not exist."""
    values = {"id": conversation_id, "chat": chat_id}
    if row(conn, "SELECT 1 AS one FROM conversations WHERE id = :id AND chat_id = :chat", **values) is None:
        return False
    conn.run("DELETE FROM messages WHERE conversation_id = :id", id=conversation_id)
    conn.run("DELETE FROM questions WHERE conversation_id = :id", id=conversation_id)
    conn.run("DELETE FROM conversations WHERE id = :id AND chat_id = :chat", **values)
    return True


def give_title(conn: Connection, conversation_id: int, title: str) -> None:
    """Name a conversation that has no name yet."""
    conn.run("UPDATE conversations SET title = :title WHERE id = :id AND title = ''", title=title, id=conversation_id)


def rename(conn: Connection, chat_id: int, conversation_id: int, title: str) -> bool:
    """Rename a conversation of this chat. Return False if it does not exist."""
    sql = "UPDATE conversations SET title = :title WHERE id = :id AND chat_id = :chat"
    return bool(conn.run(sql, title=title, id=conversation_id, chat=chat_id))


def messages(
    conn: Connection, chat_id: int, conversation_id: int, *, before: int | None, limit: int
) -> list[ConversationMessage]:
    """Return the newest messages of a conversation of this chat with ids below `before`, oldest first."""
    rows = conn.rows(
        "SELECT m.id, m.role, m.parts, m.created_at FROM messages m JOIN conversations c ON c.id = m.conversation_id"
        " WHERE c.id = :id AND c.chat_id = :chat AND m.id < :before ORDER BY m.id DESC LIMIT :n",
        id=conversation_id,
        chat=chat_id,
        before=_LAST_ID if before is None else before,
        n=limit,
    )
    return [_message(found) for found in reversed(rows)]


def text_of(parts: str) -> str:
    """Return the text of a stored message on one line."""
    return " ".join(" ".join(item["text"] for item in json.loads(parts)).split())


def _line(found: Row) -> ConversationLine:
    return ConversationLine(
        found["id"],
        found["thread_id"],
        found["title"],
        text_of(found["first_parts"]),
        found["questions"],
        moment(found["last_at"]),
        found["ended_at"] is None,
    )


def _message(found: Row) -> ConversationMessage:
    text = "\n".join(item["text"] for item in json.loads(found["parts"]))
    return ConversationMessage(found["id"], found["role"], text, moment(found["created_at"]))


def everything(conn: Connection, tenant_id: int) -> list[dict[str, Any]]:
    """Return all of a tenant's messages, oldest first, for /export."""
    rows = conn.rows("SELECT role, parts, created_at FROM messages WHERE tenant_id = :id ORDER BY id", id=tenant_id)
    return [
        {"role": found["role"], "parts": json.loads(found["parts"]), "at_ms": found["created_at"]} for found in rows
    ]


def sweep(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` messages of conversations that ended before `before`, then the empty conversations.

    Returns the number of deleted messages.
    """
    ended = "SELECT id FROM conversations WHERE ended_at < :before"
    gone = conn.run(
        f"DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE conversation_id IN ({ended}) LIMIT :n)",
        before=ms(before),
        n=limit,
    )
    if gone < limit:
        conn.run(
            f"DELETE FROM conversations WHERE id IN ({ended} AND NOT EXISTS"
            " (SELECT 1 FROM messages WHERE conversation_id = conversations.id) LIMIT :n)",
            before=ms(before),
            n=limit,
        )
    return gone
