from engine.chat import Role, says
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import conversation_memory, conversations
from storage.telegram.conversations import ConversationMemory
from tests.storage.books import NOW

CHAT, ANN = 9, 1


def exchange(conn: Connection, number: int) -> None:
    said = [says(Role.USER, f"question {number}"), says(Role.ASSISTANT, f"answer {number}")]
    conversations.append(conn, CHAT, 0, ANN, f"r{number}", said, NOW)


def texts(memory: ConversationMemory) -> list[str]:
    return [turn.message.text for turn in memory.turns]


async def test_summary_stands_for_the_messages_before_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert conversations.recall(conn, CHAT, 0) == ConversationMemory()
        for number in range(3):
            exchange(conn, number)
        memory = conversations.recall(conn, CHAT, 0)
        assert texts(memory)[:2] == ["question 0", "answer 0"]
        assert texts(conversations.recall(conn, CHAT, 0, most=3)) == texts(memory)[-3:]
        assert memory.conversation_id is not None
        conversation_memory.store_summary(conn, memory.conversation_id, "of the first", memory.turns[1].id)
        after = conversations.recall(conn, CHAT, 0)
        assert (after.summary, texts(after)) == ("of the first", texts(memory)[2:])
        conversation_memory.store_summary(conn, memory.conversation_id, "an older one", memory.turns[0].id)
        assert conversations.recall(conn, CHAT, 0) == after

    await db.write(unit)


async def test_memory_before_a_request_is_of_its_conversation(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in range(3):
            exchange(conn, number)
        conversations.reset(conn, CHAT, 0, NOW)
        assert texts(conversations.recall(conn, CHAT, 0, "r1")) == ["question 0", "answer 0"]
        assert conversations.recall(conn, CHAT, 0, "r9").turns == ()

    await db.write(unit)


async def test_long_history_is_read_from_its_end(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in range(conversations.MOST_TURNS // 2 + 1):
            exchange(conn, number)
        found = texts(conversations.recall(conn, CHAT, 0))
        assert (len(found), found[0]) == (conversations.MOST_TURNS, "question 1")

    await db.write(unit)


async def test_persona_belongs_to_one_conversation(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert conversation_memory.persona_of(conn, CHAT, 0) == ""
        conversation_memory.choose_persona(conn, CHAT, 0, "ready:teacher", NOW)
        assert conversation_memory.persona_of(conn, CHAT, 0) == "ready:teacher"
        assert conversations.recall(conn, CHAT, 0).persona == "ready:teacher"
        assert conversation_memory.persona_of(conn, CHAT, 5) == ""
        conversations.reset(conn, CHAT, 0, NOW)
        assert conversation_memory.persona_of(conn, CHAT, 0) == ""

    await db.write(unit)
