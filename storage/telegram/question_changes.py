"""Changes to stored questions: their content, and transcripts of their recordings."""

from datetime import datetime

from storage.database.connection import Connection, for_update, ms, row
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import record_of


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
