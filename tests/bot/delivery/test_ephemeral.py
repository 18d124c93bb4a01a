"""Ephemeral messages: whether the server knows them, their parameters, and the check of each sent message."""

from typing import Any

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.ext import ExtBot

from bot.delivery import ephemeral
from bot.delivery.ephemeral import NotEphemeralError
from sandbox.app import Sandbox
from sandbox.telegram import methods
from sandbox.telegram.world import GROUP_ID
from tests.bot.contexts import private_message

ANN = 1001
LINK = InlineKeyboardButton("open", url="https://t.me/x")


def update(**more: Any) -> Update:
    found = Update.de_json({"update_id": 1, "message": {**private_message("/usage"), **more}}, None)
    assert found is not None
    return found


async def test_server_that_knows_ephemeral_messages_misses_the_arguments(
    bot: ExtBot[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await ephemeral.is_known(bot)
    monkeypatch.delitem(methods.METHODS, "deleteephemeralmessage")
    assert not await ephemeral.is_known(bot)


def test_reply_names_its_reader_and_the_command_that_only_the_bot_saw() -> None:
    reader = {"ephemeral_message_parameters": {"receiver_user_id": ANN}}
    assert ephemeral.parameters(update(), ANN) == reader
    replied = reader | {"reply_parameters": {"ephemeral_message_id": 7}}
    assert ephemeral.parameters(update(ephemeral_message_id=7), ANN) == replied
    assert ephemeral.incoming_id(None) is None


def test_buttons_become_one_link() -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("a", callback_data="a:b:1")]])
    assert ephemeral.without_presses(keyboard, LINK) == InlineKeyboardMarkup([[LINK]])
    assert ephemeral.without_presses(None, LINK) is None


async def test_message_that_everybody_sees_is_deleted(bot: ExtBot[Any], sandbox: Sandbox) -> None:
    message = await bot.send_message(GROUP_ID, "my wallet")
    with pytest.raises(NotEphemeralError):
        await ephemeral.checked(bot, message)
    assert sandbox.world.messages(GROUP_ID) == []
    hidden = Message.de_json({**message.to_dict(), "ephemeral_message_id": 3}, bot)
    assert await ephemeral.checked(bot, hidden) is hidden
