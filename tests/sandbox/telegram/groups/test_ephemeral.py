"""Ephemeral messages: sent by admins or soon after an ephemeral command, seen by one member, changed by three ids."""

import pytest

from sandbox.telegram.groups import ephemeral
from sandbox.telegram.world import ADMIN_ID, BOT_ID, GROUP_ID
from tests.sandbox.telegram.bot_api import ANN, Bot

TO_ANN = {"chat_id": GROUP_ID, "text": "a", "ephemeral_message_parameters": {"receiver_user_id": ANN}}


async def test_only_an_admin_may_begin(bot: Bot) -> None:
    assert await bot.refused("sendMessage", **TO_ANN) == "Bad Request: BOT_NOT_ADMIN"
    bot.world.chats[GROUP_ID].admins = (ADMIN_ID, BOT_ID)
    sent = await bot.call("sendMessage", **TO_ANN)
    assert (sent["message_id"], sent["receiver_user"]["id"], sent["text"]) == (0, ANN, "a")
    assert bot.world.messages(GROUP_ID) == []
    elsewhere = TO_ANN | {"ephemeral_message_parameters": {"receiver_user_id": 5}}
    assert await bot.refused("sendMessage", **elsewhere) == "Bad Request: USER_NOT_PARTICIPANT"
    assert await bot.refused("sendMessage", **(TO_ANN | {"chat_id": ANN})) == "Bad Request: BOT_NOT_ADMIN"


@pytest.mark.parametrize(("seconds", "may"), [(14.0, True), (16.0, False)])
async def test_command_is_answered_within_fifteen_seconds(bot: Bot, seconds: float, *, may: bool) -> None:
    number = ephemeral.command(bot.world, GROUP_ID, ANN, "/usage")
    bot.clock.at += seconds
    reply = TO_ANN | {"reply_parameters": {"ephemeral_message_id": number}}
    if may:
        assert (await bot.call("sendMessage", **reply))["ephemeral_message_id"] == number + 1
    else:
        assert await bot.refused("sendMessage", **reply) == "Bad Request: BOT_NOT_ADMIN"


async def test_message_is_edited_and_deleted_by_its_three_ids(bot: Bot) -> None:
    bot.world.chats[GROUP_ID].admins = (ADMIN_ID, BOT_ID)
    sent = await bot.call("sendMessage", **TO_ANN)
    ids = {"chat_id": GROUP_ID, "receiver_user_id": ANN, "ephemeral_message_id": sent["ephemeral_message_id"]}
    assert await bot.call("editEphemeralMessageText", **ids, text="b") is True
    (shown,) = bot.world.chats[GROUP_ID].ephemeral.values()
    assert shown["text"] == "b"
    wrong = ids | {"receiver_user_id": ADMIN_ID}
    assert "not found" in await bot.refused("deleteEphemeralMessage", **wrong)
    assert "required" in await bot.refused("deleteEphemeralMessage", chat_id=GROUP_ID)
    assert await bot.call("deleteEphemeralMessage", **ids) is True
    assert bot.world.chats[GROUP_ID].ephemeral == {}
