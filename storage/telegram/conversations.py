"""Conversations and their messages. Each chat and thread has at most one open conversation; /new ends it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.chat import Message, Part, Role, Text
from storage.database.connection import Connection, Row, ms, row, scalar

MOST_MESSAGES = 60
MOST_CHARS = 24_000
MOST_TURNS = 400
"""Messages that are read after the summary; older ones are only in a summary, if in any."""
FEW_TURNS = 12
"""Turns that are read in less time than it takes to switch threads."""
_LAST_ID = 2**62
PICTURE = Text("[image]")
"""The mark in the place of a picture."""


def open_conversation(conn: Connection, chat_id: int, thread_id: int, now: datetime) -> int:
    """Return the id of the chat's open conversation; create one if there is none."""
    found = open_id(conn, chat_id, thread_id)
    if found is not None:
        return found
    made = scalar(
        conn,
        "INSERT INTO conversations (chat_id, thread_id, created_at) VALUES (:chat, :thread, :now)"
        " ON CONFLICT (chat_id, thread_id) WHERE ended_at IS NULL DO NOTHING RETURNING id",
        chat=chat_id,
        thread=thread_id,
        now=ms(now),
    )
    # Another process may have begun one meanwhile.
    found = int(made) if made is not None else open_id(conn, chat_id, thread_id)
    assert found is not None
    return found


def begin_apart(conn: Connection, chat_id: int, thread_id: int, title: str, now: datetime) -> int:
    """Create a conversation that is not open, and return its id. The person may resume it later."""
    sql = (
        "INSERT INTO conversations (chat_id, thread_id, title, created_at, ended_at)"
        " VALUES (:chat, :thread, :title, :now, :now) RETURNING id"
    )
    return int(scalar(conn, sql, chat=chat_id, thread=thread_id, title=title, now=ms(now)))


def reset(conn: Connection, chat_id: int, thread_id: int, now: datetime) -> bool:
    """End the open conversation. Return False if there is none."""
    return bool(
        conn.run(
            "UPDATE conversations SET ended_at = :now WHERE chat_id = :chat AND thread_id = :thread"
            " AND ended_at IS NULL",
            chat=chat_id,
            thread=thread_id,
            now=ms(now),
        )
    )


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A message with its id and its stored size."""

    id: int
    message: Message
    chars: int


@dataclass(frozen=True, slots=True)
class ConversationMemory:
    """The memory of one conversation. `conversation_id` None: no conversation has begun."""

    conversation_id: int | None = None
    persona: str = ""
    summary: str = ""
    turns: tuple[StoredTurn, ...] = ()


@dataclass(frozen=True, slots=True)
class SaidMessage:
    """A message of a conversation, with its tenant and request."""

    message: Message
    tenant_id: int
    request_id: str


def recall(
    conn: Connection, chat_id: int, thread_id: int, before_request: str | None = None, most: int = MOST_TURNS
) -> ConversationMemory:
    """Return the memory of the open conversation, with its latest `most` turns.

    `before_request`: instead, the memory of that request's conversation, without the request and later messages.
    """
    conversation, end = before(conn, before_request) or (None, _LAST_ID)
    if conversation is None:
        conversation = open_id(conn, chat_id, thread_id)
    found = row(conn, "SELECT * FROM conversations WHERE id = :id", id=conversation or 0)
    if found is None:
        return ConversationMemory()
    rows = conn.rows(
        "SELECT id, role, parts FROM messages WHERE conversation_id = :id AND id > :after AND id < :before"
        " ORDER BY id DESC LIMIT :n",
        id=found["id"],
        after=found["summarised_id"],
        before=end,
        n=most,
    )
    turns = tuple(
        StoredTurn(
            each["id"],
            Message(Role(each["role"]), parts_from_json(each["parts"])),
            len(each["parts"]),
        )
        for each in reversed(rows)
    )
    return ConversationMemory(found["id"], found["persona"], found["summary"], turns)


def history(conn: Connection, chat_id: int, thread_id: int, **limits: Any) -> tuple[Message, ...]:
    """Return the messages of `said`."""
    return tuple(each.message for each in said(conn, chat_id, thread_id, **limits))


def said(
    conn: Connection,
    chat_id: int,
    thread_id: int,
    *,
    messages: int = MOST_MESSAGES,
    chars: int = MOST_CHARS,
    before_request: str | None = None,
) -> tuple[SaidMessage, ...]:
    """Return the latest messages of the open conversation that fit both limits, oldest first.

    The first one is always a question. The latest message is included even if it is longer than `chars`. Above a limit,
    the oldest messages are left out until half of the limit is free, so that the next prompts begin alike and are
    cached. `before_request`: return only the messages before this request, from its conversation.
    """
    within = before(conn, before_request) or (open_id(conn, chat_id, thread_id), _LAST_ID)
    values = dict(zip(("id", "before"), within, strict=True))
    of_them = "FROM messages WHERE conversation_id = :id AND id < :before"
    total = scalar(conn, f"SELECT COUNT(*) {of_them}", **values)
    rows = conn.rows(
        f"SELECT role, parts, tenant_id, request_id {of_them} ORDER BY id LIMIT :n OFFSET :left_out",
        n=messages,
        left_out=left_out(int(total), messages),
        **values,
    )
    sizes = [len(found["parts"]) for found in rows]
    asked = [found["role"] == Role.USER for found in rows]
    return tuple(map(_said, rows[first_kept(sizes, asked, chars) :]))


def _said(found: Row) -> SaidMessage:
    message = Message(Role(found["role"]), parts_from_json(found["parts"]))
    return SaidMessage(message, found["tenant_id"], found["request_id"])


def before(conn: Connection, request_id: str | None) -> tuple[int, int] | None:
    """Return the conversation of a request and the id of its first message, if they are stored."""
    if request_id is None:
        return None
    sql = "SELECT conversation_id, id FROM messages WHERE request_id = :request ORDER BY id LIMIT 1"
    found = row(conn, sql, request=request_id)
    return None if found is None else (found["conversation_id"], found["id"])


def left_out(total: int, most: int) -> int:
    """Return how many of the oldest messages are left out: an even multiple of about half of `most`."""
    step = max(2, most // 2 // 2 * 2)
    return -(-max(0, total - most) // step) * step


def first_kept(sizes: Sequence[int], asked: Sequence[bool], limit: int) -> int:
    """Return the index of the first message to send, which is a question; the number of messages if there is none.

    Messages are added from the oldest on. When their sum exceeds `limit`, the oldest are left out down to half of it,
    or as few as possible if a question and its answer exceed half. A message above the limit is sent alone. The result
    stays the same for further messages until the sum exceeds the limit again.
    """
    first = size = 0
    for number, added in enumerate(sizes):
        size += added
        if size <= limit:
            continue
        left: dict[int, int] = {}
        for start in range(first + 1, number + 1):
            size -= sizes[start - 1]
            if asked[start]:
                left[start] = size
        half = (start for start, rest in left.items() if start < number and rest <= limit // 2)
        whole = (start for start, rest in left.items() if rest <= limit)
        first = next(half, next(whole, number))
        size = sum(sizes[first : number + 1])
    while first < len(sizes) and not asked[first]:
        first += 1
    return first


def append(
    conn: Connection,
    chat_id: int,
    thread_id: int,
    tenant_id: int,
    request_id: str,
    said: Sequence[Message],
    now: datetime,
) -> None:
    """Add the question and the answer of one request to the open conversation. A repeated call adds nothing."""
    add(conn, open_conversation(conn, chat_id, thread_id, now), tenant_id, request_id, said, now)


def add(
    conn: Connection, conversation_id: int, tenant_id: int, request_id: str, said: Sequence[Message], now: datetime
) -> None:
    """Add messages to a conversation. A repeated call adds nothing."""
    for message in said:
        conn.run(
            "INSERT INTO messages (conversation_id, tenant_id, role, parts, request_id, created_at)"
            " VALUES (:conversation, :tenant, :role, :parts, :request, :now) ON CONFLICT (request_id, role) DO NOTHING",
            conversation=conversation_id,
            tenant=tenant_id,
            role=message.role.value,
            parts=parts_to_json(message.parts),
            request=request_id,
            now=ms(now),
        )


def keep_exchange(
    conn: Connection,
    chat_id: int,
    thread_id: int,
    tenant_id: int,
    request_id: str,
    said: Sequence[Message],
    now: datetime,
    *,
    replaces: str | None = None,
    conversation_id: int | None = None,
) -> int:
    """Store a question and its answer in place of those of `replaces`, else at the end of the conversation.

    The conversation is the open one unless another is given. Return its id.
    """
    if replaces is not None:
        sql = (
            "UPDATE messages SET parts = :parts, request_id = :request WHERE request_id = :old AND role = :role"
            " RETURNING conversation_id"
        )
        found = [
            scalar(conn, sql, parts=parts_to_json(each.parts), request=request_id, old=replaces, role=each.role.value)
            for each in said
        ]
        if all(each is not None for each in found):
            return int(found[0])
    conversation = conversation_id or open_conversation(conn, chat_id, thread_id, now)
    add(conn, conversation, tenant_id, request_id, said, now)
    return conversation


def answer(conn: Connection, tenant_id: int, request_id: str) -> str | None:
    """Return the text of an answer, or None if it is not stored (any more) or belongs to another tenant."""
    said = scalar(
        conn,
        "SELECT parts FROM messages WHERE request_id = :request AND role = 'assistant' AND tenant_id = :tenant",
        request=request_id,
        tenant=tenant_id,
    )
    if said is None:
        return None
    return "".join(part.text for part in parts_from_json(said) if isinstance(part, Text))


def parts_to_json(parts: Sequence[Part]) -> str:
    """Return parts as they are stored. A picture becomes "[image]", so that later requests don't pay for it again."""
    items = [{"text": part.text} if isinstance(part, Text) else {"text": PICTURE.text} for part in parts]
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


def parts_from_json(text: str) -> tuple[Part, ...]:
    return tuple(Text(item["text"]) for item in json.loads(text))


def open_id(conn: Connection, chat_id: int, thread_id: int) -> int | None:
    found = scalar(
        conn,
        "SELECT id FROM conversations WHERE chat_id = :chat AND thread_id = :thread AND ended_at IS NULL",
        chat=chat_id,
        thread=thread_id,
    )
    return None if found is None else int(found)
