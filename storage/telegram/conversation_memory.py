"""The memory of a conversation: its persona, the summary of its older messages, and the messages after that."""

from dataclasses import dataclass
from datetime import datetime

from engine.chat import Message, Role
from storage.database.connection import Connection, row
from storage.telegram import conversations

MOST_TURNS = 400
"""Messages that are read after the summary; older ones are only in a summary, if in any."""
_LAST_ID = 2**62


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


def recall(conn: Connection, chat_id: int, thread_id: int, before_request: str | None = None) -> ConversationMemory:
    """Return the memory of the open conversation.

    `before_request`: instead, the memory of that request's conversation, without the request and later messages.
    """
    conversation, before = conversations.before(conn, before_request) or (None, _LAST_ID)
    if conversation is None:
        conversation = conversations.open_id(conn, chat_id, thread_id)
    found = row(conn, "SELECT * FROM conversations WHERE id = :id", id=conversation or 0)
    if found is None:
        return ConversationMemory()
    rows = conn.rows(
        "SELECT id, role, parts FROM messages WHERE conversation_id = :id AND id > :after AND id < :before"
        " ORDER BY id DESC LIMIT :n",
        id=found["id"],
        after=found["summarised_id"],
        before=before,
        n=MOST_TURNS,
    )
    turns = tuple(
        StoredTurn(
            each["id"],
            Message(Role(each["role"]), conversations.parts_from_json(each["parts"])),
            len(each["parts"]),
        )
        for each in reversed(rows)
    )
    return ConversationMemory(found["id"], found["persona"], found["summary"], turns)


def store_summary(conn: Connection, conversation_id: int, summary: str, until: int) -> None:
    """Store the summary of the messages up to `until`, unless a later summary is stored already."""
    conn.run(
        "UPDATE conversations SET summary = :summary, summarised_id = :until WHERE id = :id AND summarised_id < :until",
        summary=summary,
        until=until,
        id=conversation_id,
    )


def persona_of(conn: Connection, chat_id: int, thread_id: int) -> str:
    """Return the persona of the open conversation; empty for none."""
    found = row(conn, "SELECT persona FROM conversations WHERE id = :id", id=_open(conn, chat_id, thread_id))
    return str(found["persona"]) if found is not None else ""


def choose_persona(conn: Connection, chat_id: int, thread_id: int, persona: str, now: datetime) -> None:
    """Give the open conversation a persona; begin one if there is none."""
    conversation = conversations.open_conversation(conn, chat_id, thread_id, now)
    conn.run("UPDATE conversations SET persona = :persona WHERE id = :id", persona=persona, id=conversation)


def _open(conn: Connection, chat_id: int, thread_id: int) -> int:
    return conversations.open_id(conn, chat_id, thread_id) or 0
