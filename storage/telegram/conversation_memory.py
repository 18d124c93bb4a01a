"""The persona of a conversation, and the summary of its older messages."""

from datetime import datetime

from storage.database.connection import Connection, row
from storage.telegram import conversations


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
