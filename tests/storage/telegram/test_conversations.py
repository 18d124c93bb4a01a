from datetime import timedelta

from engine.chat import Image, Message, Role, Text, says
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.telegram import conversation_list, conversations
from tests.storage.books import NOW

CHAT, THREAD, ANN = 9, 0, 1
ANSWER = "| a | b |\n|---|---|\n| c | d |"
MS = timedelta(milliseconds=1)


def exchange(
    conn: Connection, request: str, question: str = "a table, please", answer: str = ANSWER, *, thread: int = THREAD
) -> None:
    said = [says(Role.USER, question), says(Role.ASSISTANT, answer)]
    conversations.append(conn, CHAT, thread, ANN, request, said, NOW)


def texts(conn: Connection, *, messages: int = 60, chars: int = 24_000) -> list[str]:
    found = conversations.history(conn, CHAT, THREAD, messages=messages, chars=chars)
    return [part.text for message in found for part in message.parts if isinstance(part, Text)]


async def test_answer_is_returned_verbatim_to_its_tenant_only(db: Database) -> None:
    def unit(conn: Connection) -> list[str | None]:
        exchange(conn, "r1")
        asked = ((ANN, "r1"), (ANN + 1, "r1"), (ANN, "r2"))
        return [conversations.answer(conn, tenant, request) for tenant, request in asked]

    assert await db.write(unit) == [ANSWER, None, None]


async def test_history_before_a_request_is_that_of_its_conversation(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in (1, 2, 3):
            exchange(conn, f"r{number}", f"question {number}", f"answer {number}")
        conversations.reset(conn, CHAT, THREAD, NOW)
        exchange(conn, "r4", "new", "conversation")

        def before(request: str) -> list[str]:
            found = conversations.history(conn, CHAT, THREAD, before_request=request)
            return [message.text for message in found]

        assert before("r2") == ["question 1", "answer 1"]
        assert before("r1") == before("r4") == []
        assert before("deleted") == ["new", "conversation"]

    await db.write(unit)


async def test_new_answer_takes_the_place_of_the_old_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in (1, 2):
            exchange(conn, f"r{number}", f"question {number}", f"answer {number}")
        first = conversations.open_conversation(conn, CHAT, THREAD, NOW)
        again = [says(Role.USER, "better question"), says(Role.ASSISTANT, "better answer")]
        place = (conn, CHAT, THREAD, ANN)
        assert conversations.keep_exchange(*place, "r3", again, NOW, replaces="r1") == first
        assert texts(conn) == ["better question", "better answer", "question 2", "answer 2"]
        assert conversations.answer(conn, ANN, "r3") == "better answer"
        assert conversations.answer(conn, ANN, "r1") is None
        conversations.reset(conn, CHAT, THREAD, NOW)
        assert conversations.keep_exchange(*place, "r4", again, NOW, replaces="r3") == first
        assert texts(conn) == []
        assert conversations.keep_exchange(*place, "r5", again, NOW, replaces="deleted") != first
        assert texts(conn) == ["better question", "better answer"]

    await db.write(unit)


async def test_repeated_request_is_appended_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for _ in range(2):
            exchange(conn, "r1", "q", "a")
        assert texts(conn) == ["q", "a"]

    await db.write(unit)


async def test_conversation_is_open_per_chat_and_thread_until_it_is_reset(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert not conversations.reset(conn, CHAT, THREAD, NOW)
        number = conversations.open_conversation(conn, CHAT, THREAD, NOW)
        assert conversations.open_conversation(conn, CHAT, THREAD, NOW) == number
        assert conversations.open_conversation(conn, CHAT, 5, NOW) != number
        exchange(conn, "r1", "q", "a")
        assert conversations.reset(conn, CHAT, THREAD, NOW)
        assert texts(conn) == []
        assert not conversations.reset(conn, CHAT, THREAD, NOW)
        assert conversations.open_conversation(conn, CHAT, THREAD, NOW) != number

    await db.write(unit)


async def test_history_is_the_latest_messages_from_a_question_on(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in range(3):
            exchange(conn, f"r{number}", f"q{number}", f"a{number}")
        assert texts(conn) == ["q0", "a0", "q1", "a1", "q2", "a2"]
        assert texts(conn, messages=4) == ["q1", "a1", "q2", "a2"]
        assert texts(conn, messages=3) == ["q2", "a2"]

    await db.write(unit)


async def test_history_fits_the_limit_of_characters(db: Database) -> None:
    def unit(conn: Connection) -> None:
        exchange(conn, "r1", "q1", "a1")
        exchange(conn, "r2", "q2", "a2")
        one = len('[{"text":"q1"}]')
        assert texts(conn, chars=4 * one) == ["q1", "a1", "q2", "a2"]
        assert texts(conn, chars=4 * one - 1) == ["q2", "a2"]
        assert texts(conn, chars=one) == []

    await db.write(unit)


async def test_history_has_a_question_longer_than_the_limit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        conversations.append(conn, CHAT, THREAD, ANN, "r1", [says(Role.USER, "long " * 9)], NOW)
        assert texts(conn, chars=10) == ["long " * 9]

    await db.write(unit)


async def test_long_conversation_begins_alike_for_several_prompts(db: Database) -> None:
    def unit(conn: Connection) -> None:
        firsts = []
        for number in range(200):
            exchange(conn, f"r{number}", f"question {number} " + "x" * 300, "answer " * 60)
            found = texts(conn)
            assert len(found) <= conversations.MOST_MESSAGES
            assert found[-2].startswith(f"question {number} ")
            firsts.append(found[0])
        assert len(set(firsts)) <= 200 / 10

    await db.write(unit)


async def test_oldest_messages_are_left_out_by_halves_of_the_number(db: Database) -> None:
    def unit(conn: Connection) -> None:
        kept = []
        for number in range(16):
            exchange(conn, f"r{number}", "q", "a")
            kept.append(len(texts(conn, messages=12)))
        assert kept == [2, 4, 6, 8, 10, 12, 8, 10, 12, 8, 10, 12, 8, 10, 12, 8]

    await db.write(unit)


def test_first_kept_question_moves_by_halves_of_the_limit() -> None:
    asked = [True, False] * 20
    firsts = [conversations.first_kept([10] * number, asked[:number], 100) for number in range(2, 32, 2)]
    assert firsts == [0, 0, 0, 0, 0, 6, 6, 6, 12, 12, 12, 18, 18, 18, 24]


def test_large_exchange_is_kept_where_it_fits_the_whole_limit() -> None:
    assert conversations.first_kept([10, 10, 10, 60], [True, False, True, False], 80) == 2
    assert conversations.first_kept([10, 10, 10, 10, 60], [True, False, True, False, True], 80) == 2


def test_question_over_the_limit_stands_alone() -> None:
    assert conversations.first_kept([10, 10, 200], [True, False, True], 100) == 2
    assert conversations.first_kept([10, 200], [True, False], 100) == 2


async def test_picture_is_stored_as_a_mention(db: Database) -> None:
    def unit(conn: Connection) -> list[str]:
        parts = (Text("look"), Image("data:image/png;base64,c2VjcmV0"))
        conversations.append(conn, CHAT, THREAD, ANN, "r1", [Message(Role.USER, parts)], NOW)
        return texts(conn)

    assert await db.write(unit) == ["look", "[image]"]


async def test_export_has_all_messages_of_a_tenant_in_order(db: Database) -> None:
    def unit(conn: Connection) -> list[tuple[str, str]]:
        exchange(conn, "r1", "Chào", "a")
        conversations.reset(conn, CHAT, THREAD, NOW)
        exchange(conn, "r2", "q", "b")
        conversations.append(conn, 2, 0, ANN + 1, "r3", [says(Role.USER, "another's")], NOW)
        return [(each["role"], each["parts"][0]["text"]) for each in conversation_list.everything(conn, ANN)]

    assert await db.write(unit) == [("user", "Chào"), ("assistant", "a"), ("user", "q"), ("assistant", "b")]


async def test_ended_conversations_are_swept_in_portions_after_their_time(db: Database) -> None:
    def unit(conn: Connection) -> None:
        exchange(conn, "r1")
        conversations.reset(conn, CHAT, THREAD, NOW)
        exchange(conn, "r2", "kept", "kept")
        assert conversation_list.sweep(conn, NOW, 10) == 0
        assert [conversation_list.sweep(conn, NOW + MS, 1) for _ in range(2)] == [1, 1]
        assert scalar(conn, "SELECT count(*) AS n FROM conversations") == 2
        assert conversation_list.sweep(conn, NOW + MS, 1) == 0
        assert scalar(conn, "SELECT count(*) AS n FROM conversations") == 1
        assert texts(conn) == ["kept", "kept"]

    await db.write(unit)
