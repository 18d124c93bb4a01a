"""Conversations: one open per chat and thread; /new ends it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.chat import Message, Part, Role, Text
from storage.database.connection import Connection, ms, scalar

MOST_MESSAGES = 60
MOST_CHARS = 24_000


def open_conversation(conn: Connection, chat_id: int, thread_id: int, now: datetime) -> int:
    """The chat's open conversation; a new one where there is none."""
    found = _open_id(conn, chat_id, thread_id)
    if found is not None:
        return found
    made = scalar(
        conn,
        "INSERT INTO conversations (chat_id, thread_id, created_at) VALUES (:chat, :thread, :now) RETURNING id",
        chat=chat_id,
        thread=thread_id,
        now=ms(now),
    )
    return int(made)


def reset(conn: Connection, chat_id: int, thread_id: int, now: datetime) -> bool:
    """Start afresh; False when there was nothing to forget."""
    return bool(
        conn.run(
            "UPDATE conversations SET ended_at = :now WHERE chat_id = :chat AND thread_id = :thread"
            " AND ended_at IS NULL",
            chat=chat_id,
            thread=thread_id,
            now=ms(now),
        )
    )


def history(
    conn: Connection, chat_id: int, thread_id: int, *, messages: int = MOST_MESSAGES, chars: int = MOST_CHARS
) -> tuple[Message, ...]:
    """The latest messages of the open conversation, oldest first, as many as fit; it begins with the user's words."""
    conversation = _open_id(conn, chat_id, thread_id)
    if conversation is None:
        return ()
    rows = conn.rows(
        "SELECT role, parts FROM messages WHERE conversation_id = :id ORDER BY id DESC LIMIT :n",
        id=conversation,
        n=messages,
    )
    kept: list[Message] = []
    size = 0
    for found in rows:
        size += len(found["parts"])
        if size > chars and kept:
            break
        kept.append(Message(Role(found["role"]), parts_from_json(found["parts"])))
    while kept and kept[-1].role is not Role.USER:
        kept.pop()
    return tuple(reversed(kept))


def append(
    conn: Connection,
    chat_id: int,
    thread_id: int,
    tenant_id: int,
    request_id: str,
    said: Sequence[Message],
    now: datetime,
) -> None:
    """Add one request's question and answer, once."""
    conversation = open_conversation(conn, chat_id, thread_id, now)
    for message in said:
        conn.run(
            "INSERT INTO messages (conversation_id, tenant_id, role, parts, request_id, created_at)"
            " VALUES (:conversation, :tenant, :role, :parts, :request, :now) ON CONFLICT (request_id, role) DO NOTHING",
            conversation=conversation,
            tenant=tenant_id,
            role=message.role.value,
            parts=parts_to_json(message.parts),
            request=request_id,
            now=ms(now),
        )


def remove_last(conn: Connection, chat_id: int, thread_id: int) -> tuple[Part, ...] | None:
    """Remove the last question with its answer, for /retry; what was asked."""
    conversation = _open_id(conn, chat_id, thread_id)
    last = scalar(
        conn,
        "SELECT request_id FROM messages WHERE conversation_id = :id AND role = 'user' ORDER BY id DESC LIMIT 1",
        id=conversation or 0,
    )
    if last is None:
        return None
    asked = scalar(conn, "SELECT parts FROM messages WHERE request_id = :id AND role = 'user'", id=last)
    conn.run("DELETE FROM messages WHERE request_id = :id", id=last)
    return parts_from_json(asked)


def answer(conn: Connection, tenant_id: int, request_id: str) -> str | None:
    """What a tenant was told, as it was written; None when it is not kept (any more), or not theirs."""
    said = scalar(
        conn,
        "SELECT parts FROM messages WHERE request_id = :request AND role = 'assistant' AND tenant_id = :tenant",
        request=request_id,
        tenant=tenant_id,
    )
    if said is None:
        return None
    return "".join(part.text for part in parts_from_json(said) if isinstance(part, Text))


def everything(conn: Connection, tenant_id: int) -> list[dict[str, Any]]:
    """All that a tenant said and was told, oldest first: for /export."""
    rows = conn.rows("SELECT role, parts, created_at FROM messages WHERE tenant_id = :id ORDER BY id", id=tenant_id)
    return [
        {"role": found["role"], "parts": json.loads(found["parts"]), "at_ms": found["created_at"]} for found in rows
    ]


def sweep(conn: Connection, before: datetime, limit: int) -> int:
    """Forget up to `limit` messages of conversations that ended before; and those that have none left."""
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


def parts_to_json(parts: Sequence[Part]) -> str:
    """Pictures are kept by mention only: they were paid for once."""
    items = [{"text": part.text} if isinstance(part, Text) else {"text": "[image]"} for part in parts]
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


def parts_from_json(text: str) -> tuple[Part, ...]:
    return tuple(Text(item["text"]) for item in json.loads(text))


def _open_id(conn: Connection, chat_id: int, thread_id: int) -> int | None:
    found = scalar(
        conn,
        "SELECT id FROM conversations WHERE chat_id = :chat AND thread_id = :thread AND ended_at IS NULL",
        chat=chat_id,
        thread=thread_id,
    )
    return None if found is None else int(found)
