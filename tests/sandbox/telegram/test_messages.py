"""Tests of sending, editing, deleting and buttons."""

import json
from typing import Any

import pytest

from sandbox.telegram.refusals import TABLE
from sandbox.telegram.world import GROUP_ID
from tests.sandbox.telegram.bot_api import ANN, Bot, keys, upload


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n "}, "message text is empty"),
        ({"text": "a" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"chat_id": 7, "text": "a"}, "chat not found"),
        ({"chat_id": "", "text": "a"}, "chat_id is empty"),
        ({"text": "a", "reply_parameters": {"message_id": 999}}, "message to be replied not found"),
        ({"text": "a", "entities": "nonsense"}, "can't parse entities JSON object"),
        (
            {"text": "<b>a", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            {"text": "ü <x>a</x>", "parse_mode": "HTML"},
            'can\'t parse entities: Unsupported start tag "x" at byte offset 3',
        ),
        ({"text": "a</b>", "parse_mode": "HTML"}, "can't parse entities: Unexpected end tag at byte offset 1"),
        ({"text": "a", "parse_mode": "Bold"}, "unsupported parse_mode"),
    ],
)
async def test_invalid_message_is_refused(bot: Bot, params: dict[str, Any], why: str) -> None:
    assert await bot.refused("sendMessage", **{"chat_id": ANN, **params}) == f"Bad Request: {why}"
    assert bot.world.messages(ANN) == []


async def test_4096_utf16_units_are_a_message(bot: Bot) -> None:
    assert len((await bot.call("sendMessage", chat_id=ANN, text="😀" * 2048))["text"]) == 2048


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ({"text": "a", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "callback_data": "ü" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "url": "not a link"}, "BUTTON_URL_INVALID"),
        ({"text": "a"}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"callback_data": "a"}, "can't parse inline keyboard button: Can't find field \"text\""),
    ],
)
async def test_invalid_button_is_refused(bot: Bot, key: dict[str, Any], why: str) -> None:
    markup = {"inline_keyboard": [[key]]}
    assert await bot.refused("sendMessage", chat_id=ANN, text="a", reply_markup=markup) == f"Bad Request: {why}"


async def test_missing_reply_may_be_allowed(bot: Bot) -> None:
    params = {"message_id": 999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await bot.call("sendMessage", chat_id=ANN, text="a", reply_parameters=params)


async def test_edit_changes_text_and_takes_the_keyboard_away(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="a", reply_markup=keys())
    edited = await bot.call("editMessageText", chat_id=ANN, message_id=message["message_id"], text="b")
    assert edited["text"] == "b"
    assert "reply_markup" not in edited


async def test_invalid_edit_is_refused(bot: Bot) -> None:
    mine = (await bot.call("sendMessage", chat_id=ANN, text="a"))["message_id"]
    theirs = bot.world.say(ANN, ANN, "hers")["message_id"]
    picture = (await upload(bot, "sendPhoto", "photo", b"\x89PNG")).json()["result"]["message_id"]
    for number, text, why in (
        (mine, "a", TABLE["not_modified"][1]),
        (mine, "a \n", TABLE["not_modified"][1]),
        (999, "b", "Bad Request: message to edit not found"),
        (0, "b", "Bad Request: message identifier is not specified"),
        (theirs, "b", "Bad Request: message can't be edited"),
        (picture, "b", "Bad Request: there is no text in the message to edit"),
        (mine, "b" * 4097, "Bad Request: MESSAGE_TOO_LONG"),
        (mine, "", "Bad Request: message text is empty"),
    ):
        assert await bot.refused("editMessageText", chat_id=ANN, message_id=number, text=text) == why


async def test_keyboard_is_edited_alone_and_a_caption_too(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="a")
    params = {"chat_id": ANN, "message_id": message["message_id"]}
    assert (await bot.call("editMessageReplyMarkup", **params, reply_markup=keys()))["reply_markup"] == keys()
    assert await bot.refused("editMessageReplyMarkup", **params, reply_markup=keys()) == TABLE["not_modified"][1]
    assert await bot.refused("editMessageCaption", **params, caption="b") == TABLE["no_caption"][1]


async def test_message_is_deleted_once_and_others_messages_in_a_group_never(bot: Bot) -> None:
    number = (await bot.call("sendMessage", chat_id=ANN, text="a"))["message_id"]
    assert await bot.call("deleteMessage", chat_id=ANN, message_id=number) is True
    assert await bot.refused("deleteMessage", chat_id=ANN, message_id=number) == TABLE["no_delete"][1]
    theirs = bot.world.say(GROUP_ID, ANN, "mine")["message_id"]
    assert await bot.refused("deleteMessage", chat_id=GROUP_ID, message_id=theirs) == TABLE["cant_delete"][1]


async def test_chat_actions_have_names(bot: Bot) -> None:
    assert await bot.call("sendChatAction", chat_id=ANN, action="typing") is True
    why = await bot.refused("sendChatAction", chat_id=ANN, action="yawning")
    assert why == "Bad Request: wrong parameter action in request"


async def test_callback_is_answered_once_within_150_seconds(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="a", reply_markup=keys())
    name = bot.world.press(ANN, ANN, message["message_id"], "go")
    (update,) = await bot.updates()
    assert update["callback_query"]["data"] == "go"
    assert await bot.refused("answerCallbackQuery", callback_query_id=name, text="x" * 201) == TABLE["edit_too_long"][1]
    assert await bot.call("answerCallbackQuery", callback_query_id=name, text="x" * 200) is True
    assert await bot.refused("answerCallbackQuery", callback_query_id=name) == TABLE["old_query"][1]
    late = bot.world.press(ANN, ANN, message["message_id"], "go")
    bot.clock.at += 151
    assert await bot.refused("answerCallbackQuery", callback_query_id=late) == TABLE["old_query"][1]


async def edited_media(bot: Bot, message_id: int, caption: str, data: bytes = b"\x89PNG") -> dict[str, Any]:
    media = {"type": "photo", "media": "attach://picture", "caption": caption}
    form = {"chat_id": str(ANN), "message_id": str(message_id), "media": json.dumps(media)}
    url = f"{bot.sandbox.telegram_url}/bot{bot.sandbox.token}/editMessageMedia"
    answer = await bot.http.post(url, data=form, files={"picture": ("a.png", data, "image/png")})
    body: dict[str, Any] = answer.json()
    return body


async def test_media_of_a_message_is_replaced_and_put_in_the_place_of_a_text(bot: Bot) -> None:
    sent = (await upload(bot, "sendPhoto", "photo", b"\x89PNG", caption="one")).json()["result"]
    after = (await edited_media(bot, sent["message_id"], "two"))["result"]
    assert (after["message_id"], after["caption"]) == (sent["message_id"], "two")
    assert after["photo"][-1]["file_id"] != sent["photo"][-1]["file_id"]
    text = await bot.call("sendMessage", chat_id=ANN, text="words", reply_markup=keys())
    after = (await edited_media(bot, text["message_id"], "three"))["result"]
    assert after["caption"] == "three"
    assert not {"text", "reply_markup"} & after.keys()
    why = await bot.refused("editMessageText", chat_id=ANN, message_id=text["message_id"], text="back")
    assert why == TABLE["no_text"][1]


async def test_same_media_again_is_not_modified(bot: Bot) -> None:
    sent = (await upload(bot, "sendPhoto", "photo", b"\x89PNG", caption="one")).json()["result"]
    media = {"type": "photo", "media": sent["photo"][-1]["file_id"], "caption": "one"}
    params = {"chat_id": ANN, "message_id": sent["message_id"], "media": json.dumps(media)}
    assert await bot.refused("editMessageMedia", **params) == TABLE["not_modified"][1]


@pytest.mark.parametrize(
    ("media", "why"),
    [
        ("", "media is empty"),
        ("{", "can't parse input media JSON object"),
        ("[]", "can't parse InputMedia: expected an Object"),
        ('{"type": "gif", "media": "x"}', 'can\'t parse InputMedia: type "gif" is unsupported'),
        ('{"type": "photo"}', "can't parse InputMedia: media not found"),
        ('{"type": "photo", "media": "x"}', "wrong file identifier/HTTP URL specified"),
        ('{"type": "photo", "media": "attach://x"}', "there is no photo in the request"),
    ],
)
async def test_invalid_media_is_refused(bot: Bot, media: str, why: str) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="a")
    params = {"chat_id": ANN, "message_id": message["message_id"], "media": media}
    assert await bot.refused("editMessageMedia", **params) == f"Bad Request: {why}"


async def test_caption_of_edited_media_has_its_limit(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="a")
    answer = await edited_media(bot, message["message_id"], "c" * 1025)
    assert answer["description"] == TABLE["caption_too_long"][1]
