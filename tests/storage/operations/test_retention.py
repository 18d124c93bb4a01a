"""Texts are deleted in time for tenants who chose a shorter time, and no other texts are."""

from datetime import datetime, timedelta

import pytest

from engine.chat import Role, says
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.operations import retention
from storage.telegram import conversations, outbox, questions
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Ask, Place
from storage.tenants import stored_responses, tenant_settings, tenants
from storage.tenants.stored_responses import StoredResponse
from tests.storage.books import FREE, NOW

CHAT = 500
SAID = (says(Role.USER, "hello"), says(Role.ASSISTANT, "good day"))
TABLES = ("messages", "questions", "stored_responses", "outbox")


def person(conn: Connection, user: int, days: int | None) -> int:
    made = tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=user)
    tenant_settings.set_keep_days(conn, made, days)
    return made


def say(conn: Connection, tenant: int, chat: int, name: str, at: datetime) -> None:
    conversations.append(conn, chat, 0, tenant, name, SAID, at)
    questions.store(conn, tenant, Place(7, chat, 0, 1), QuestionContent("hello"), at)
    stored_responses.store(conn, StoredResponse(name, tenant, None, [], [], "{}"), at)
    outbox.put(conn, name, chat, ["words"], "L", at)
    outbox.finish(conn, outbox.parts(conn, name, "L")[0].id, "sent", at)


def left(conn: Connection) -> dict[str, int]:
    return {table: int(scalar(conn, f"SELECT count(*) AS n FROM {table}")) for table in TABLES}


@pytest.mark.parametrize(("days", "kept"), [(None, 3), (7, 2), (3, 1), (1, 1)])
async def test_texts_are_deleted_that_many_days_after_they_were_written(
    db: Database, days: int | None, kept: int
) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = person(conn, CHAT, days), person(conn, CHAT + 1, None)
        for age in (0, 5, 8):
            say(conn, ann, CHAT, f"ann-{age}", NOW - timedelta(days=age))
        say(conn, bao, CHAT + 1, "bao", NOW - timedelta(days=400))
        while retention.sweep(conn, NOW, 2):
            pass
        assert left(conn) == {"messages": 2 * kept + 2, "questions": kept + 1, "stored_responses": kept + 1} | {
            "outbox": kept + 1
        }

    await db.write(unit)


async def test_question_that_was_asked_again_is_not_kept_longer(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, written = person(conn, CHAT, 3), NOW - timedelta(days=4)
        asked = questions.store(conn, ann, Place(7, CHAT, 0, 1), QuestionContent("hello"), written)
        questions.begin(conn, asked.id, Ask("again"), NOW - timedelta(days=1))
        retention.sweep(conn, NOW, 100)
        assert left(conn)["questions"] == 0

    await db.write(unit)


async def test_summary_and_name_go_with_the_first_message_that_they_tell_of(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for chat, age in ((CHAT, 2), (CHAT + 1, 0)):
            say(conn, person(conn, chat, 1), chat, f"r-{chat}", NOW - timedelta(days=age))
        conn.run("UPDATE conversations SET title = 'A name', summary = 'A summary', summarised_id = 9")
        retention.sweep(conn, NOW, 100)
        rows = conn.rows("SELECT title, summary, summarised_id FROM conversations ORDER BY chat_id")
        assert [tuple(each.values()) for each in rows] == [("", "", 0), ("A name", "A summary", 9)]

    await db.write(unit)


async def test_message_that_is_not_sent_yet_stays(db: Database) -> None:
    def unit(conn: Connection) -> None:
        person(conn, CHAT, 1)
        outbox.put(conn, "r", CHAT, ["words"], "L", NOW - timedelta(days=5))
        retention.sweep(conn, NOW, 100)
        assert left(conn)["outbox"] == 1

    await db.write(unit)


async def test_name_of_a_conversation_without_messages_is_deleted_too(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for chat, age in ((CHAT, 2), (CHAT + 1, 0)):
            person(conn, chat, 1)
            conversations.begin_apart(conn, chat, 0, "a scheduled prompt", NOW - timedelta(days=age))
        retention.sweep(conn, NOW, 100)
        found = conn.rows("SELECT title FROM conversations ORDER BY chat_id")
        assert [each["title"] for each in found] == ["", "a scheduled prompt"]

    await db.write(unit)
