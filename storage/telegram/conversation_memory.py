"""The persona of a conversation, the summary of its older messages, and its answered questions."""

from datetime import datetime

from storage.database.connection import Connection, row
from storage.telegram import conversations
from storage.telegram.questions import QuestionRecord, QuestionState, record_of


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


def questions_before(conn: Connection, record: QuestionRecord, most: int) -> list[QuestionRecord]:
    """Return the asker's latest answered questions before this one in its conversation, the newest first."""
    rows = conn.rows(
        "SELECT * FROM questions WHERE conversation_id = :conversation AND tenant_id = :tenant AND id < :id"
        " AND state = :answered ORDER BY id DESC LIMIT :n",
        conversation=record.conversation_id,
        tenant=record.tenant_id,
        id=record.id,
        answered=QuestionState.ANSWERED,
        n=most,
    )
    return [found for each in rows if (found := record_of(each)) is not None]


def _open(conn: Connection, chat_id: int, thread_id: int) -> int:
    return conversations.open_id(conn, chat_id, thread_id) or 0
