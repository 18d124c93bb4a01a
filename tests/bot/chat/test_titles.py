import pytest

from bot.chat.titles import MOST_TITLE_CHARS, title_from
from storage.ledger import journal
from tests.bot.commands.conftest import Chat, chat, database, sqlite_template

__all__ = ["chat", "database", "sqlite_template"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("The wide sea", "The wide sea"),
        ('\n "The wide sea." \nand more', "The wide sea"),
        ("**Biển  Đông**", "Biển Đông"),
        ("", ""),
        ("x" * 99, "x" * MOST_TITLE_CHARS),
    ],
)
def test_first_line_is_the_name(text: str, title: str) -> None:
    assert title_from(text) == title


async def titles(chat: Chat) -> list[str]:
    return [row["title"] for row in await chat.rows("SELECT title FROM conversations ORDER BY id")]


async def test_conversation_is_named_once_where_the_operator_enabled_it(chat: Chat) -> None:
    chat.configure(name_conversations=True)
    for question in ("tell me of the sea", "and how deep?"):
        await chat.say(question)
    assert await titles(chat) == ["an answer by deepseek"]
    assert len(await chat.rows("SELECT * FROM attempts WHERE kept")) == 3
    state = await chat.state()
    last = await chat.read(lambda conn: journal.last_receipt(conn, state.id))
    assert last is not None
    assert not last.receipt.request_id.endswith(":title"), "/why shows the answer"
    await chat.check_books()


async def test_first_words_are_the_name_otherwise(chat: Chat) -> None:
    await chat.say("tell me of the sea")
    assert await titles(chat) == [""]
    assert len(await chat.rows("SELECT * FROM attempts WHERE kept")) == 1
