"""The move of a group to a new chat id, when Telegram makes it a supergroup: conversations, questions and wallet."""

from storage.database.connection import Connection, scalar


def move(conn: Connection, old_chat: int, new_chat: int) -> bool:
    """Move everything of the old chat to the new one. A repeated call finds nothing and returns False.

    If both have an open conversation, the old messages go before the new ones.
    """
    moved = 0
    for found in conn.rows("SELECT id, thread_id, ended_at FROM conversations WHERE chat_id = :old", old=old_chat):
        moved += 1
        begun = _open(conn, new_chat, found["thread_id"]) if found["ended_at"] is None else None
        if begun is None:
            conn.run("UPDATE conversations SET chat_id = :new WHERE id = :id", new=new_chat, id=found["id"])
            continue
        for table in ("messages", "questions"):
            conn.run(
                f"UPDATE {table} SET conversation_id = :begun WHERE conversation_id = :id", begun=begun, id=found["id"]
            )
        conn.run("DELETE FROM conversations WHERE id = :id", id=found["id"])
    moved += conn.run("UPDATE questions SET chat_id = :new WHERE chat_id = :old", new=new_chat, old=old_chat)
    return bool(moved + _move_wallet(conn, old_chat, new_chat))


def _move_wallet(conn: Connection, old_chat: int, new_chat: int) -> int:
    if scalar(conn, "SELECT 1 FROM groups WHERE chat_id = :new", new=new_chat):
        return 0
    return conn.run("UPDATE groups SET chat_id = :new WHERE chat_id = :old", new=new_chat, old=old_chat)


def _open(conn: Connection, chat_id: int, thread_id: int) -> int | None:
    found = scalar(
        conn,
        "SELECT id FROM conversations WHERE chat_id = :chat AND thread_id = :thread AND ended_at IS NULL",
        chat=chat_id,
        thread=thread_id,
    )
    return None if found is None else int(found)
