"""People, chats, drafts and files of the local Telegram."""

import asyncio
from typing import Any

import pytest

from sandbox.telegram.refusals import TABLE, BotApiError
from sandbox.telegram.world import DRAFT_SECONDS, GROUP_ID, Message, World
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


@pytest.fixture
def world() -> World:
    return World(lambda: 1000.0)


def seen(world: World) -> int:
    return world.updates.pending


@pytest.mark.parametrize(("text", "is_seen"), [("hello", False), ("/ask hello", True), ("hi @{bot}", True)])
def test_bot_sees_only_what_privacy_mode_allows_in_a_group(world: World, text: str, is_seen: bool) -> None:
    world.say(GROUP_ID, ANN, text.format(bot=world.bot["username"]))
    assert seen(world) == is_seen
    world.say(ANN, ANN, "hello")
    assert seen(world) == is_seen + 1


def test_reply_to_the_bot_is_seen_and_quotes_no_further_reply(world: World) -> None:
    first = world.say(GROUP_ID, ANN, "hello")
    answer = world.post(GROUP_ID, world.bot, {"text": "a"}, reply_to=first["message_id"])
    reply = world.say(GROUP_ID, ANN, "thanks", reply_to=answer["message_id"])
    assert seen(world) == 1
    assert reply["reply_to_message"]["text"] == "a"
    assert "reply_to_message" not in reply["reply_to_message"]


def test_empty_fields_are_left_out_of_a_message(world: World) -> None:
    message = world.post(ANN, world.bot, {"text": "a", "entities": [], "caption": "", "reply_markup": None})
    assert not {"entities", "caption", "reply_markup"} & message.keys()


def test_blocked_bot_gets_an_update_and_reaches_the_user_no_more(world: World) -> None:
    world.block(ANN)
    with pytest.raises(BotApiError) as raised:
        world.chat_of({"chat_id": str(ANN)})
    assert raised.value.description == TABLE["blocked"][1]
    world.unblock(ANN)
    assert world.chat_of({"chat_id": ANN}).id == ANN
    assert seen(world) == 2


@pytest.mark.parametrize("chat_id", ["", "7", "--1", "x"])
def test_unknown_chat_is_refused(world: World, chat_id: str) -> None:
    with pytest.raises(BotApiError) as raised:
        world.chat_of({"chat_id": chat_id})
    assert raised.value.description == TABLE["no_chat"][1]


async def test_waiting_for_a_message_finds_earlier_and_later_ones_of_the_bot(world: World) -> None:
    def wanted(message: Message) -> bool:
        return bool(message["text"] == "wanted")

    world.say(ANN, ANN, "wanted")
    with pytest.raises(TimeoutError):
        await world.wait_message(ANN, wanted, 0.01)
    waiting = asyncio.create_task(world.wait_message(ANN, wanted))
    await asyncio.sleep(0)
    world.post(ANN, world.bot, {"text": "other"})
    made = world.post(ANN, world.bot, {"text": "wanted"})
    assert await waiting == made == await world.wait_message(ANN, wanted)
    assert world.listeners == set()


def test_empty_value_of_an_edit_removes_the_field(world: World) -> None:
    number = world.post(ANN, world.bot, {"text": "a", "reply_markup": {"inline_keyboard": []}})["message_id"]
    assert "reply_markup" not in world.edit(ANN, number, {"text": "a", "reply_markup": None})


def test_path_of_a_file_keeps_its_suffix(world: World) -> None:
    made = [world.keep_file(name, "", b"") for name in ("a.csv", "b")]
    assert [world.file_path(each) for each in made] == [f"files/{made[0]}.csv", f"files/{made[1]}"]
    assert made[0] != made[1]
