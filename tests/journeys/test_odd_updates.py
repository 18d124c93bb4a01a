"""Updates and messages of every kind of Bot API 10.x, from public reports of chat bots: each is answered or left alone.

Reports: NousResearch/hermes-agent 22619, 46568, 81183 · openclaw/openclaw 874 · tdlib/telegram-bot-api 447 ·
vercel/chat 887 · tm-a-t/TGPy 25 · CherryHQ/stella 1030 · AstrBotDevs/AstrBot 7019 · pengrad/java-telegram-bot-api 426.
"""

import logging
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from sandbox.telegram.world import BOT_ID
from tests.bot.contexts import GROUP, private_message
from tests.journeys.conftest import ANN, GROUP_ID, Journey, words

EVE = {"id": 5, "is_bot": False, "first_name": "Eve"}
NEWS = {"id": -1009, "type": "channel", "title": "News"}
CHANNEL = {"type": "channel", "chat": NEWS, "message_id": 3, "date": 1}
BOT = {"id": BOT_ID, "is_bot": True, "first_name": "Farthing", "username": "farthing_sandbox_bot"}
STICKER = {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 1, "height": 1}
FLAT_STICKER = {**STICKER, "is_animated": False, "is_video": False}
VIDEO = {"file_id": "v", "file_unique_id": "v", "width": 9, "height": 9, "duration": 5}
TAKEN_FROM = {"id": 77, "is_bot": True, "first_name": "gif", "username": "gif"}
ASK = {"type": "bot_command", "offset": 0, "length": 4}
numbers = count(50_000)
Content = Mapping[str, Any]


def private(**content: Any) -> dict[str, Any]:
    return {**private_message(None), "message_id": next(numbers), **content}


def group(**content: Any) -> dict[str, Any]:
    return {**private(chat=GROUP), **content}


SERVICE: tuple[Content, ...] = (
    {"checklist_tasks_done": {"marked_as_done_task_ids": [1]}},
    {"checklist_tasks_added": {"tasks": [{"id": 1, "text": "a"}]}},
    {"suggested_post_approved": {"send_date": 9}},
    {"gift": {"gift": {"id": "g", "sticker": FLAT_STICKER, "star_count": 5}}},
    {"giveaway_created": {}},
    {"chat_background_set": {"type": {"type": "pattern", "document": VIDEO, "fill": {}, "intensity": 1}}},
    {"write_access_allowed": {"from_request": True}},
    {"users_shared": {"request_id": 1, "users": [{"user_id": 5}]}},
    {"web_app_data": {"data": "x", "button_text": "y"}},
    {"message_auto_delete_timer_changed": {"message_auto_delete_time": 5}},
    {"forum_topic_edited": {"name": "n"}, "message_thread_id": 33, "is_topic_message": True},
    {"text": "hello", "via_bot": BOT},
    {"text": "hello", "from": {**TAKEN_FROM}},
)
IN_GROUP: tuple[Content, ...] = (
    {"text": "hi all", "sender_boost_count": 2},
    {"text": "buy", "suggested_post_info": {"state": "pending"}},
    {"forum_topic_created": {"name": "t", "icon_color": 1}, "message_thread_id": 9, "is_topic_message": True},
    {"video_chat_started": {}},
    {"chat_owner_changed": {"new_owner": EVE}},
    {"direct_message_price_changed": {"are_direct_messages_enabled": True, "direct_message_star_count": 5}},
    {"paid_message_price_changed": {"paid_message_star_count": 5}},
    {"new_chat_members": [BOT]},
    {"left_chat_member": EVE},
    {"text": "post", "is_automatic_forward": True, "forward_origin": CHANNEL, "sender_chat": NEWS},
)


def updates() -> list[dict[str, Any]]:
    """Return the updates that ask nothing."""
    chat = {"id": ANN, "type": "private", "first_name": "Ann"}
    reaction = {"chat": chat, "message_id": 5, "user": EVE, "date": 1, "old_reaction": [], "new_reaction": []}
    business = {"text": "hello shop", "business_connection_id": "b"}
    old = {"text": "/new", "entities": [ASK], "edit_date": 1_700_000_009}
    poll = {"id": "1", "question": "q", "options": [], "total_voter_count": 0, "is_closed": True, "type": "regular"}
    boost = {"boost_id": "b", "add_date": 1, "expiration_date": 2, "source": {"source": "premium", "user": EVE}}
    return [
        *({"message": private(**content)} for content in SERVICE),
        *({"message": group(**content)} for content in IN_GROUP),
        {"edited_message": private(**old)},
        {"edited_message": private(text="never asked", edit_date=1_700_000_009)},
        {"message_reaction": reaction},
        {"business_message": private(**business)},
        {"edited_business_message": private(**business, edit_date=1_700_000_009)},
        {"business_connection": {"id": "b", "user": EVE, "user_chat_id": 5, "date": 1, "is_enabled": True}},
        {"deleted_business_messages": {"business_connection_id": "b", "chat": chat, "message_ids": [1]}},
        {"purchased_paid_media": {"from": EVE, "paid_media_payload": "x"}},
        {"poll_answer": {"poll_id": "1", "user": EVE, "option_ids": [0], "option_persistent_ids": ["0"]}},
        {"poll": {**poll, "is_anonymous": True, "allows_multiple_answers": False}},
        {"chat_boost": {"chat": GROUP, "boost": boost}},
        {"chat_join_request": {"chat": GROUP, "from": EVE, "user_chat_id": 5, "date": 1}},
        {"managed_bot": {"user": EVE}},
        {"update_of_a_later_version": {"x": 1}},
        {"channel_post": {"message_id": 1, "date": 1, "chat": NEWS, "sender_chat": NEWS, "text": "hello"}},
    ]


@pytest.fixture
async def ready(journey: Journey) -> Journey:
    await journey.ask("/start")
    return journey


def said(journey: Journey, after: int) -> list[str]:
    """Return the bot's messages in both chats since the one with this id."""
    found = [*journey.sandbox.world.messages(ANN), *journey.sandbox.world.messages(GROUP_ID)]
    return [words(each) for each in found if each["from"]["is_bot"] and each["message_id"] > after]


def last_id(journey: Journey) -> int:
    return max(int(each["message_id"]) for each in journey.sandbox.world.messages(ANN))


async def test_updates_that_ask_nothing_get_no_reply(ready: Journey, caplog: pytest.LogCaptureFixture) -> None:
    before = last_id(ready)
    for update in updates():
        ((kind, content),) = update.items()
        ready.sandbox.world.updates.push(kind, content)
    await ready.idle()
    assert said(ready, before) == []
    assert await ready.rows("SELECT * FROM attempts") == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    "content",
    [
        {"video": VIDEO, "caption": "what is it?"},
        {"animation": VIDEO, "document": {"file_id": "v", "file_unique_id": "v"}},
        {"video_note": {"file_id": "v", "file_unique_id": "v", "length": 9, "duration": 5}},
        {"voice": {"file_id": "v", "file_unique_id": "v", "duration": 5}},
        {"story": {"chat": NEWS, "id": 2}},
        {"forward_origin": CHANNEL, "giveaway": {"chats": [NEWS], "winners_selection_date": 1, "winner_count": 2}},
        {"caption": "what?", "paid_media": {"star_count": 5, "paid_media": [{"type": "preview"}]}},
        {"content_of_a_later_version": {"html": "<b>"}},
        {"text": "\u200b\u200b"},
        {"text": "/imagine a cat", "entities": [{**ASK, "length": 8}]},
    ],
)
async def test_message_that_can_not_be_answered_gets_one_sentence(ready: Journey, content: Content) -> None:
    before = last_id(ready)
    ready.sandbox.world.updates.push("message", private(**content))
    await ready.idle()
    assert len(said(ready, before)) == 1
    assert await ready.rows("SELECT * FROM attempts") == []


QUESTIONS: tuple[tuple[Content, str], ...] = (
    ({"text": "explain", "reply_to_message": private(**{"from": BOT})}, "explain"),
    ({"text": "tomorrow?", "entities": [{"type": "date_time", "offset": 0, "length": 8, "unix_time": 5}]}, "tomorrow"),
    ({"text": "short", "entities": [{"type": "bold", "offset": 2, "length": 900}]}, "sh"),
    ({"text": "hi", "from": {"id": ANN, "is_bot": False, "first_name": "", "language_code": "xx-yy-zz"}}, "hi"),
    ({"text": "/ask why", "entities": [ASK], "chat": GROUP, "message_thread_id": 777}, "why"),
)


@pytest.mark.usefixtures("no_pauses")
async def test_question_in_an_unusual_form_is_answered_once(ready: Journey) -> None:
    for number, (content, asked) in enumerate(QUESTIONS, 1):
        message, before = private(**content), last_id(ready)
        ready.sandbox.world.chats[message["chat"]["id"]].messages[message["message_id"]] = message
        ready.sandbox.world.updates.push("message", message)
        await ready.idle()
        stored = await ready.rows("SELECT content FROM questions ORDER BY id")
        assert len(stored) == number, content
        assert asked.encode("unicode_escape").decode() in str(stored[-1]["content"]) or asked in str(stored[-1]), (
            content
        )
        assert any(text != "…" for text in said(ready, before)), content
        del ready.sandbox.world.chats[message["chat"]["id"]].messages[message["message_id"]]
    await ready.check_books()
