"""The exchange that an answer replaced."""

from engine.chat import Role, says
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import conversations, question_upkeep, questions, replaced_exchanges
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Ask, Place, QuestionState
from tests.storage.books import NOW, tenant


async def test_request_without_messages_replaces_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert replaced_exchanges.of(conn, "r1") == ""
        assert not replaced_exchanges.put_back(conn, "r1")

    await db.read(unit)


async def test_replaced_exchange_is_exported_with_its_question(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        asked = questions.store(conn, owner, Place(7, 1001, 0, 5), QuestionContent("How?"), NOW)

        def answer(request_id: str, words: str, before: str | None) -> None:
            questions.begin(conn, asked.id, Ask(request_id), NOW)
            replaced = replaced_exchanges.of(conn, before) if before else ""
            said = (says(Role.USER, "How?"), says(Role.ASSISTANT, words))
            place = conversations.keep_exchange(conn, 1001, 0, owner, request_id, said, NOW, replaces=before)
            stands = QuestionState.ANSWERED
            assert questions.answer(conn, asked.id, request_id, place, state=stands, now=NOW, replaced=replaced)

        answer("r1", "the first answer", None)
        answer("r2", "the second answer", "r1")
        (exported,) = question_upkeep.everything(conn, owner)
        assert exported["replaced"] == {"user": [{"text": "How?"}], "assistant": [{"text": "the first answer"}]}
        assert replaced_exchanges.said("") == {}

    await db.write(unit)
