"""The message with a secret: its warning, and the button that removes it from the chat."""

import json

import pytest
from telegram.error import BadRequest

from tests.bot.commands.conftest import Chat
from tests.bot.commands.test_keys import SECRET, made

SAVED = "I have saved it: delete this message"


def copied(chat: Chat) -> list[str]:
    """The texts that the buttons of the last message copy."""
    markup = [call.params["reply_markup"] for call in chat.request.calls if "reply_markup" in call.params][-1]
    rows = (json.loads(markup) if isinstance(markup, str) else markup)["inline_keyboard"]
    return [each["copy_text"]["text"] for row in rows for each in row if "copy_text" in each]


async def rotated(chat: Chat) -> str:
    await made(chat)
    await chat.say("/keys")
    for label in ("Settings fk-", "New secret"):
        await chat.press(label)
    return await chat.press("Yes, make a new secret")


async def test_new_secret_comes_with_a_warning_and_its_buttons(chat: Chat) -> None:
    await chat.say("/keys")
    for text in (await chat.press("New key"), await rotated(chat)):
        assert "Anyone who reads this message can spend your money." in text
        assert "Key " in text
        assert len(SECRET.findall(text)) == 1
    assert copied(chat) == SECRET.findall(text)
    assert [label for label, _ in chat.buttons()][-3:] == ["Copy the key", SAVED, "Rename"]


async def test_button_deletes_the_message_and_the_key_works_on(chat: Chat) -> None:
    await made(chat)
    assert "works on" in await chat.press(SAVED)
    deleted = next(call for call in chat.request.calls if call.method == "deleteMessage")
    assert (deleted.params["chat_id"], deleted.params["message_id"]) == (1001, 900)
    assert len(await chat.rows("SELECT * FROM api_keys WHERE revoked_at IS NULL")) == 1


async def test_message_that_is_too_old_to_delete_is_overwritten(chat: Chat) -> None:
    await made(chat)
    chat.request.refusals["deleteMessage"] = BadRequest("Message can't be deleted")
    await chat.press(SAVED)
    edited = next(call for call in chat.request.calls if call.method == "editMessageText")
    assert edited.text == "The secret is gone from this chat. The key works on."
    assert not edited.params.get("reply_markup")


@pytest.mark.parametrize("language", ["en", "vi"])
async def test_names_are_in_the_language_of_the_owner(chat: Chat, language: str) -> None:
    chat.language = language
    await chat.say("/keys")
    label = {"en": "New key", "vi": "Khóa mới"}[language]
    assert {"en": "Key 1", "vi": "Khóa 1"}[language] in await chat.press(label)
