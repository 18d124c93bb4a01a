"""/instructions: a text from the user that is part of every prompt."""

from itertools import pairwise

import pytest

from engine.chat import Role
from tests.bot.commands.conftest import ROOM, Chat


def system(chat: Chat) -> str:
    """Return the system message of the last request."""
    first = chat.scripts["deepseek"].calls[-1].request.messages[0]
    return first.text if first.role is Role.SYSTEM else ""


async def test_instructions_go_with_every_question_in_private(chat: Chat) -> None:
    assert "Tell me what I should always know" in await chat.say("/instructions")
    await chat.press("Change")
    assert "keep that in mind" in await chat.say("I am a nurse.\nBe brief.")
    for question in ("hello", "and now?"):
        await chat.say(question)
        assert system(chat) == "The user wants you to know always:\nI am a nurse.\nBe brief."
    assert "I am a nurse." in await chat.say("/instructions")
    await chat.say("/ask hello", chat=ROOM)
    assert system(chat) == ""


async def test_instructions_are_cleared(chat: Chat) -> None:
    await chat.say("/instructions Be brief.")
    await chat.say("/instructions")
    await chat.press("Clear")
    await chat.say("hello")
    assert system(chat) == ""


@pytest.mark.parametrize("word", ["off", "Clear", "tắt", "xóa"])
async def test_word_after_the_command_clears_the_instructions(chat: Chat, word: str) -> None:
    await chat.say("/instructions Be brief.")
    assert "keep that in mind" not in await chat.say(f"/instructions {word}")
    await chat.say("hello")
    assert system(chat) == ""


async def test_too_long_a_text_is_explained_and_waited_for_again(chat: Chat) -> None:
    await chat.say("/instructions")
    await chat.press("Change")
    assert "the limit is 2,000" in await chat.say("x" * 2001)
    assert "keep that in mind" in await chat.say("x" * 2000)
    assert "the limit is 2,000" in await chat.say("/instructions " + "y" * 2001)
    assert (await chat.state()).settings["instructions"] == "x" * 2000


async def test_cancelled_change_leaves_the_text(chat: Chat) -> None:
    await chat.say("/instructions Be brief.")
    await chat.say("/instructions")
    await chat.press("Change")
    await chat.press("Cancel")
    await chat.say("hello")
    assert system(chat).endswith("Be brief.")


async def test_turns_of_one_question_begin_those_of_the_next(chat: Chat) -> None:
    await chat.say("/instructions Be brief.")
    for number in range(8):
        await chat.say(f"question {number}")
        chat.clock.move(minutes=1)
    sent = [call.request.messages for call in chat.scripts["deepseek"].calls]
    assert len(sent) == 8
    for before, after in pairwise(sent):
        assert after[: len(before)] == before
