"""/history: list, search, resume, delete."""

import pytest

from tests.bot.commands.conftest import Chat


async def spoken(chat: Chat, *questions: str) -> None:
    """Ask each question in a conversation of its own."""
    for question in questions:
        await chat.say("/new")
        await chat.say(question)
        chat.clock.move(minutes=1)


async def test_without_conversations_it_says_so(chat: Chat) -> None:
    assert "You have no conversations yet" in await chat.say("/history")


async def test_conversation_is_resumed_with_its_memory(chat: Chat) -> None:
    await spoken(chat, "tell me of the sea", "tell me of the moon")
    assert "Your conversations" in await chat.say("/history")
    assert [label for label, _ in chat.buttons()][-2:] == ["• tell me of the moon", "tell me of the sea"]
    assert "**" not in await chat.press("tell me of the sea")
    assert "You are back in “tell me of the sea”" in await chat.press("Resume")
    await chat.say("and how deep?")
    asked = [message.text for message in chat.scripts["deepseek"].calls[-1].request.messages]
    assert asked[0] == "tell me of the sea"
    assert "tell me of the moon" not in asked


async def test_list_is_paged(chat: Chat) -> None:
    await spoken(chat, *(f"question {number}" for number in range(8)))
    await chat.say("/history")
    assert not any(label == "question 1" for label, _ in chat.buttons())
    await chat.press("Older")
    assert [label for label, _ in chat.buttons()][-3:] == ["question 1", "question 0", "‹ Newer"]
    await chat.press("Newer")
    assert [label for label, _ in chat.buttons()][-1] == "Older ›"


@pytest.mark.parametrize("answer", ["Yes, delete", "Cancel"])
async def test_deletion_asks_first(chat: Chat, answer: str) -> None:
    await spoken(chat, "tell me of the sea")
    await chat.say("/history")
    await chat.press("tell me of the sea")
    assert "This can't be undone" in await chat.press("Delete")
    assert len(await chat.rows("SELECT * FROM messages")) == 2
    told = await chat.press(answer)
    assert ("The conversation is deleted" in told) == (answer == "Yes, delete")
    left = await chat.rows("SELECT * FROM messages") + await chat.rows("SELECT * FROM questions")
    assert len(left) == (0 if answer == "Yes, delete" else 3)


async def test_search_lists_conversations_with_the_words(chat: Chat) -> None:
    await spoken(chat, "tell me of the sea", "tell me of the moon")
    assert "contain “SEA tell”" in await chat.say("/history SEA tell")
    assert chat.buttons()[-1][0] == "tell me of the sea"
    assert "No conversation contains “mars”" in await chat.say("/history mars")


async def test_buttons_of_a_deleted_conversation_say_so(chat: Chat) -> None:
    await spoken(chat, "tell me of the sea", "tell me of the moon")
    await chat.say("/history")
    await chat.press("tell me of the sea")
    resume, ask = chat.button("Resume"), chat.button("Delete")
    await chat.press("Delete")
    await chat.press("Yes, delete")
    for data in (resume, ask):
        calls = await chat.press_data(data)
        assert "has been deleted" in "".join(call.text for call in calls)
