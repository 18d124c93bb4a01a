"""Changes to stored questions: their content, transcripts of their recordings, messages of their answers."""

import json
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


def add_answer_message(conn: Connection, request_id: str, message_id: int) -> None:
    """Record a message of the current answer."""
    sql = "SELECT id, answer_message_ids FROM questions WHERE answer_request_id = :request"
    found = row(conn, sql + for_update(conn), request=request_id)
    if found is None:
        return
    known = json.loads(found["answer_message_ids"])
    if message_id not in known:
        conn.run(
            "UPDATE questions SET answer_message_ids = :ids WHERE id = :id",
            ids=json.dumps([*known, message_id]),
            id=found["id"],
        )
