"""Tests of drafts: their lifetime and their Stop button."""

from typing import Any

import pytest

from sandbox.telegram.world import DRAFT_SECONDS, GROUP_ID
from tests.sandbox.telegram.bot_api import ANN, Bot


async def test_draft_lives_30_seconds_after_its_last_frame(bot: Bot) -> None:
    assert await bot.call("sendMessageDraft", chat_id=ANN, draft_id=5, text="") is True
    bot.clock.at += DRAFT_SECONDS - 1
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=5, text="Once")
    bot.clock.at += DRAFT_SECONDS - 1
    await bot.call("getMe")
    assert bot.world.chats[ANN].drafts[5]["text"] == "Once"
    bot.clock.at += 1
    await bot.call("getMe")
    assert bot.world.chats[ANN].drafts == {}


async def test_another_draft_or_a_message_replaces_a_draft(bot: Bot) -> None:
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=5, text="one")
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=6, text="two")
    assert list(bot.world.chats[ANN].drafts) == [6]
    await bot.call("sendMessage", chat_id=ANN, text="two, whole")
    assert bot.world.chats[ANN].drafts == {}


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"chat_id": GROUP_ID}, "TEXTDRAFT_PEER_INVALID"),
        ({"draft_id": 0}, "DRAFT_ID_INVALID"),
        ({"text": "a" * 4097}, "message is too long"),
        (
            {"entities": [{"type": "bold", "offset": 0, "length": 99}]},
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 99",
        ),
    ],
)
async def test_invalid_draft_is_refused(bot: Bot, params: dict[str, Any], why: str) -> None:
    fields = {"chat_id": ANN, "draft_id": 1, "text": "a", **params}
    assert await bot.refused("sendMessageDraft", **fields) == f"Bad Request: {why}"


@pytest.mark.parametrize("keep", [True, False])
async def test_stop_tells_the_bot_with_the_drafts_id_as_a_string(bot: Bot, keep: bool) -> None:
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=77, text="Once", can_stop=True, keep_on_stop=keep)
    bot.world.stop_draft(ANN, 77)
    (update,) = await bot.updates()
    assert update["stopped_message_generation"]["draft_id"] == "77"
    assert update["stopped_message_generation"]["chat"]["id"] == ANN
    assert (77 in bot.world.chats[ANN].drafts) is keep


async def test_draft_without_a_stop_button_can_not_be_stopped(bot: Bot) -> None:
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=77, text="Once")
    with pytest.raises(KeyError):
        bot.world.stop_draft(ANN, 77)
