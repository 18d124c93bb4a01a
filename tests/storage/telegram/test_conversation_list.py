from datetime import datetime, timedelta

import pytest

from engine.chat import Role, says
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.telegram import conversation_list, conversations, questions
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Place
from tests.storage.books import NOW

CHAT, OTHER, ANN = 9, 10, 1
HOUR = timedelta(hours=1)


def spoken(conn: Connection, text: str, at: datetime, chat: int = CHAT, thread: int = 0) -> int:
    """Create a conversation with one question, which has ended; return its id."""
    said = [says(Role.USER, text), says(Role.ASSISTANT, f"About {text}: “wide”\nand deep")]
    conversations.append(conn, chat, thread, ANN, text, said, at)
    number = conversations.open_conversation(conn, chat, thread, at)
    conversations.reset(conn, chat, thread, at)
    return number


async def test_conversations_are_listed_by_their_last_message(db: Database) -> None:
    def unit(conn: Connection) -> None:
        numbers = [spoken(conn, text, NOW + n * HOUR) for n, text in enumerate(("sea", "moon", "sun"))]
        spoken(conn, "elsewhere", NOW, OTHER)
        conversations.open_conversation(conn, CHAT, 0, NOW)
        lines = conversation_list.page(conn, CHAT, offset=0, limit=2)
        assert [(line.id, line.first_text, line.questions) for line in lines] == [
            (numbers[2], "sun", 1),
            (numbers[1], "moon", 1),
        ]
        assert [line.id for line in conversation_list.page(conn, CHAT, offset=2, limit=2)] == [numbers[0]]
        assert conversation_list.find(conn, OTHER, numbers[0]) is None

    await db.write(unit)


async def test_search_finds_all_words_of_a_message_in_any_case(db: Database) -> None:
    def unit(conn: Connection) -> None:
        one, two = spoken(conn, "Biển ĐÔNG", NOW), spoken(conn, "the sea", NOW + HOUR)
        spoken(conn, "the sea elsewhere", NOW, OTHER)

        def found(*words: str) -> list[int]:
            return [line.id for line in conversation_list.search(conn, CHAT, words)]

        assert found("biển", "đông") == [one]
        assert found("wide") == [two, one]
        assert found("“wide”", "DEEP") == [two, one]
        assert found("sea", "đông") == []

    await db.write(unit)


async def test_resumed_conversation_is_the_open_one_of_its_new_thread(db: Database) -> None:
    def unit(conn: Connection) -> None:
        number, theirs = spoken(conn, "sea", NOW), spoken(conn, "theirs", NOW, OTHER)
        now_open = conversations.open_conversation(conn, CHAT, 5, NOW)
        assert not conversation_list.resume(conn, CHAT, 5, theirs, NOW)
        assert conversation_list.resume(conn, CHAT, 5, number, NOW)
        assert conversation_list.resume(conn, CHAT, 5, number, NOW)
        assert conversations.open_conversation(conn, CHAT, 5, NOW) == number
        assert scalar(conn, "SELECT ended_at FROM conversations WHERE id = :id", id=now_open) is not None
        line = conversation_list.find(conn, CHAT, number)
        assert line is not None
        assert line.is_open

    await db.write(unit)


async def test_deleted_conversation_leaves_no_words(db: Database) -> None:
    def unit(conn: Connection) -> None:
        number, other = spoken(conn, "sea", NOW), spoken(conn, "moon", NOW)
        conversation_list.resume(conn, CHAT, 0, number, NOW)
        questions.store(conn, ANN, Place(7, CHAT, 0), QuestionContent("sea"), NOW)
        assert not conversation_list.delete(conn, OTHER, number)
        assert conversation_list.delete(conn, CHAT, number)
        assert not conversation_list.delete(conn, CHAT, number)
        left = [conn.rows(f"SELECT * FROM {table}") for table in ("messages", "questions", "conversations")]
        assert "sea" not in str(left)
        assert [line.id for line in conversation_list.page(conn, CHAT, offset=0, limit=9)] == [other]

    await db.write(unit)


async def test_title_is_given_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        number = spoken(conn, "sea", NOW)
        for title in ("The sea", "Another"):
            conversation_list.give_title(conn, number, title)
        line = conversation_list.find(conn, CHAT, number)
        assert line is not None
        assert line.title == "The sea"

    await db.write(unit)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_conversations_of_a_chat_are_found_by_an_index(db: Database) -> None:
    """Without it, each page would read all conversations: 230 ms for a million."""
    sql = f"EXPLAIN QUERY PLAN {conversation_list._LINES}"
    plan = [each["detail"] for each in await db.read(lambda conn: conn.rows(sql, chat=CHAT))]
    assert "SEARCH c USING INDEX conversations_of_chat (chat_id=?)" in plan
