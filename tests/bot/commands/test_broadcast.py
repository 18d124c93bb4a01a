"""/broadcast: a draft, then a decision by button."""

import pytest

from tests.bot.commands.conftest import OLGA, Chat


async def states(chat: Chat) -> list[str]:
    return [row["state"] for row in await chat.rows("SELECT state FROM broadcasts ORDER BY id")]


async def test_admin_command_is_unknown_to_others(chat: Chat) -> None:
    assert "I don't know that command" in await chat.say("/broadcast hello")
    assert await states(chat) == []


@pytest.mark.parametrize("text", ["/broadcast", "/broadcast  ", "/broadcast " + "x" * 5000])
async def test_text_that_is_missing_or_too_long_is_refused(chat: Chat, text: str) -> None:
    assert "Write the text after the command" in await chat.say(text, OLGA)
    assert await states(chat) == []


@pytest.mark.parametrize("text", ["/broadcast We are back.", "/broadcast\nWe are back."])
async def test_draft_shows_the_text_and_the_number_of_people(chat: Chat, text: str) -> None:
    await chat.say("/start")
    answer = await chat.say(text, OLGA)
    assert "2 people will get this" in answer
    assert "We are back." in answer
    assert await states(chat) == ["draft"]


async def test_one_person_is_singular(chat: Chat) -> None:
    assert "1 person will get this" in await chat.say("/broadcast hello", OLGA)


async def test_send_button_works_once(chat: Chat) -> None:
    await chat.say("/broadcast hello", OLGA)
    send = chat.button("Send to 1")
    assert "Sending." in "".join(call.text for call in await chat.press_data(send, OLGA))
    assert "already decided" in "".join(call.text for call in await chat.press_data(send, OLGA))
    assert await states(chat) == ["sending"]


async def test_cancelled_broadcast_is_not_sent(chat: Chat) -> None:
    await chat.say("/broadcast hello", OLGA)
    assert "no one got it" in await chat.press("Cancel", OLGA)
    assert "already decided" in await chat.press("Send to", OLGA)
    assert await states(chat) == ["dropped"]
