"""The move of a group to a new chat id."""

from engine.chat import Role, says
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.groups import migration, wallets
from storage.telegram import conversations, questions
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Place
from tests.storage.books import FREE, NOW

OLD, NEW, ANN = -7, -1007, 1


def exchange(conn: Connection, chat: int, request: str, words: str, thread: int = 0) -> None:
    said = [says(Role.USER, words), says(Role.ASSISTANT, f"answer to {words}")]
    conversations.append(conn, chat, thread, ANN, request, said, NOW)


def words(conn: Connection, thread: int = 0) -> list[str]:
    return [message.text for message in conversations.history(conn, NEW, thread) if message.role is Role.USER]


async def test_conversations_questions_and_wallet_move_along_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        exchange(conn, OLD, "r1", "first")
        exchange(conn, OLD, "r2", "in a topic", thread=5)
        questions.store(conn, ANN, Place(7, OLD, 0, 1), QuestionContent("first"), NOW, update_id=1)
        wallet = wallets.open_wallet(conn, OLD, "Tea room", FREE, NOW)
        assert migration.move(conn, OLD, NEW)
        assert not migration.move(conn, OLD, NEW)
        assert (words(conn), words(conn, 5)) == (["first"], ["in a topic"])
        last = questions.last(conn, ANN, Place(7, NEW, 0))
        assert last is not None
        assert last.content.text == "first"
        moved = wallets.find(conn, NEW)
        assert moved is not None
        assert moved.wallet_id == wallet.wallet_id

    await db.write(unit)


async def test_conversation_that_the_new_chat_has_begun_goes_on_from_the_old_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        exchange(conn, OLD, "r1", "first")
        exchange(conn, NEW, "r2", "second")
        wallets.open_wallet(conn, OLD, "Tea room", FREE, NOW)
        kept = wallets.open_wallet(conn, NEW, "Tea room", FREE, NOW)
        assert migration.move(conn, OLD, NEW)
        assert words(conn) == ["first", "second"]
        assert scalar(conn, "SELECT COUNT(*) FROM conversations WHERE ended_at IS NULL") == 1
        found = wallets.find(conn, NEW)
        assert found is not None
        assert found.wallet_id == kept.wallet_id

    await db.write(unit)
