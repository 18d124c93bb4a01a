"""Names of keys: numbered ones for new keys, and names that the owner sends."""

from tests.bot.commands.conftest import BAO, Chat
from tests.bot.commands.test_keys import made


async def names(chat: Chat) -> list[str]:
    return [row["name"] for row in await chat.rows("SELECT name FROM api_keys ORDER BY id")]


async def test_new_keys_are_numbered_apart(chat: Chat) -> None:
    for _ in range(3):
        await made(chat)
    assert await names(chat) == ["Key 1", "Key 2", "Key 3"]


async def test_next_message_names_the_key_and_is_no_question(chat: Chat) -> None:
    await made(chat)
    await made(chat)
    assert "It is called “Key 2” now." in await chat.press("Rename")
    assert "my laptop" in await chat.say("my  laptop")
    assert await names(chat) == ["Key 1", "my laptop"]
    assert await chat.rows("SELECT * FROM attempts") == []
    assert "an answer by" in await chat.say("hello")


async def test_name_that_is_too_long_is_told_and_the_wait_goes_on(chat: Chat) -> None:
    await made(chat)
    await chat.press("Rename")
    assert "100 characters at most" in await chat.say("x" * 101)
    await chat.say("short")
    assert await names(chat) == ["short"]


async def test_wait_for_a_name_can_be_ended(chat: Chat) -> None:
    await made(chat)
    await chat.press("Rename")
    assert "keeps its name" in await chat.press("Cancel")
    assert "an answer by" in await chat.say("laptop")
    assert await names(chat) == ["Key 1"]


async def test_name_goes_to_no_key_of_another(chat: Chat) -> None:
    await made(chat)
    await chat.say("/start", BAO)
    await chat.press_data(f"keys:name:1:{BAO}", BAO)
    await chat.say("stolen", BAO)
    assert await names(chat) == ["Key 1"]
