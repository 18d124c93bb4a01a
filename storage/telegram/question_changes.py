"""Stored questions: changes of their content, transcripts of their recordings, and the one that waits for money."""

from datetime import datetime

from storage.database.connection import Connection, for_update, ms, row
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import QuestionRecord, record_of


def rewrite(conn: Connection, question_id: int, content: QuestionContent, now: datetime) -> None:
    """Replace the content of a question whose message was edited."""
    conn.run(
        "UPDATE questions SET content = :content, changed_at = :now WHERE id = :id",
        content=content.to_json(),
        now=ms(now),
        id=question_id,
    )


def add_transcript(conn: Connection, question_id: int, number: int, transcript: str, now: datetime) -> None:
    """Store the transcript of a question's file, unless the question was deleted."""
    sql = "SELECT * FROM questions WHERE id = :id"
    found = record_of(row(conn, sql + for_update(conn), id=question_id))
    if found is None:
        return
    rewrite(conn, question_id, found.content.with_transcript(number, transcript), now)


def last_unpaid(conn: Connection, tenant_id: int, error: str, since: datetime) -> QuestionRecord | None:
    """Return the tenant's last question if it was refused for `error` after `since` and no later one was answered."""
    found = record_of(
        row(
            conn,
            "SELECT * FROM questions WHERE tenant_id = :tenant AND state <> 'waiting' ORDER BY changed_at DESC, id DESC"
            " LIMIT 1",
            tenant=tenant_id,
        )
    )
    if found is None or found.error != error or found.created_at < since:
        return None
    return found
