from engine.chat import Role, says
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import conversations
from tests.storage.books import NOW

ANSWER = "| a | b |\n|---|---|\n| c | d |"


async def test_answer_is_returned_verbatim_to_its_tenant_only(db: Database) -> None:
    def unit(conn: Connection) -> list[str | None]:
        said = [says(Role.USER, "a table, please"), says(Role.ASSISTANT, ANSWER)]
        conversations.append(conn, 9, 0, 1, "tg:7:1", said, NOW)
        asked = ((1, "tg:7:1"), (2, "tg:7:1"), (1, "tg:7:2"))
        return [conversations.answer(conn, tenant, request) for tenant, request in asked]

    assert await db.write(unit) == [ANSWER, None, None]


async def test_removed_answer_is_not_found(db: Database) -> None:
    def unit(conn: Connection) -> str | None:
        said = [says(Role.USER, "a table, please"), says(Role.ASSISTANT, ANSWER)]
        conversations.append(conn, 9, 0, 1, "tg:7:1", said, NOW)
        conversations.remove_last(conn, 9, 0)
        return conversations.answer(conn, 1, "tg:7:1")

    assert await db.write(unit) is None
