"""Changes to stored questions."""

from dataclasses import replace

from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import question_changes
from storage.telegram.question_content import QuestionContent
from tests.storage.books import NOW
from tests.storage.telegram.test_questions import found, made


async def test_edited_content_replaces_the_old_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        question_changes.rewrite(conn, record.id, QuestionContent("edited"), NOW)
        assert found(conn, record) == replace(record, content=QuestionContent("edited"))

    await db.write(unit)


async def test_words_of_a_recording_are_kept_unless_the_question_is_gone(db: Database) -> None:
    def unit(conn: Connection) -> None:
        question_changes.add_transcript(conn, 404, 0, "words", NOW)

    await db.write(unit)
