import logging
from typing import Any

import pytest
from telegram import Update

from tests.bot.contexts import bot_texts, text
from tests.journeys.conftest import ANN, BAO, GROUP_ID, OLGA, Journey


async def test_unknown_command_is_answered_in_private_and_ignored_in_a_group(journey: Journey) -> None:
    assert await journey.ask("/nonsense") == text("unknown_command")
    journey.sandbox.world.say(GROUP_ID, ANN, "/nonsense")
    await journey.idle()
    assert bot_texts(journey, GROUP_ID) == []


async def test_command_of_another_bot_is_ignored(journey: Journey) -> None:
    journey.sandbox.world.say(ANN, ANN, "/start@other_bot")
    await journey.idle()
    assert bot_texts(journey) == []


async def test_command_is_found_in_any_case_and_with_the_bots_name(journey: Journey) -> None:
    name = journey.bot.bot.username
    assert "Ann" in await journey.ask(f"/START@{name.upper()}")


async def test_private_command_in_a_group_points_to_the_private_chat(journey: Journey) -> None:
    answer = await journey.ask("/keys", ANN, GROUP_ID)
    assert answer == text("in_private_only", bot=journey.bot.bot.username, command="keys").replace("**", "")


async def test_admin_command_is_unknown_to_others(journey: Journey) -> None:
    assert await journey.ask("/tenants", ANN) == text("unknown_command")
    assert await journey.ask("/tenants", OLGA) != text("unknown_command")


def pressed(journey: Journey, data: str, user: int = ANN) -> None:
    """Press a button with this data, added to the newest message."""
    message = journey.sandbox.world.messages(ANN)[-1]
    message["reply_markup"] = {"inline_keyboard": [[{"text": "button", "callback_data": data}]]}
    forged(journey, data, user)


def forged(journey: Journey, data: str, user: int = ANN, chat: int = ANN) -> None:
    """Send data that the newest message has no button for, as a modified app can."""
    world = journey.sandbox.world
    world.press(chat, user, world.messages(chat)[-1]["message_id"], data)


def answers(journey: Journey) -> list[dict[str, Any]]:
    return [params for name, params in journey.sandbox.world.calls if name == "answerCallbackQuery"]


@pytest.mark.parametrize("data", ["x", "nothing:open:1001", "topup:nothing:1001", "topup:pay:x"])
async def test_unknown_button_is_stale(journey: Journey, data: str) -> None:
    await journey.ask("/start")
    pressed(journey, data)
    await journey.idle()
    assert [answer.get("text") for answer in answers(journey)] == [text("button.stale")]


@pytest.mark.parametrize("data", [f"topup:open:{BAO}", f"tenants:older:5:{ANN}", "tenants:older:5:0"])
async def test_button_of_another_user_or_of_admins_is_refused(journey: Journey, data: str) -> None:
    await journey.ask("/start")
    before = bot_texts(journey)
    pressed(journey, data)
    await journey.idle()
    assert [answer.get("text") for answer in answers(journey)] == [text("button.not_yours")]
    assert bot_texts(journey) == before


async def test_own_button_is_run_and_answered(journey: Journey) -> None:
    await journey.ask("/start")
    pressed(journey, f"topup:open:{ANN}")
    await journey.idle()
    assert len(answers(journey)) == 1
    assert "wallet" in bot_texts(journey)[-1]


@pytest.mark.parametrize(
    "data", ["limit:off", "keys:new", "history:page:x", "retry:go:1:0:1:-5", "keys:set:1:99999999999999999999"]
)
@pytest.mark.parametrize("has_buttons", [True, False])
async def test_data_of_no_button_of_the_message_runs_nothing(
    journey: Journey, caplog: pytest.LogCaptureFixture, data: str, has_buttons: bool
) -> None:
    await journey.ask("/topup" if has_buttons else "/terms")
    before = journey.sandbox.world.messages(ANN)
    forged(journey, f"{data}:{ANN}")
    await journey.idle()
    assert [answer.get("text") for answer in answers(journey)] == [text("button.stale")]
    assert journey.sandbox.world.messages(ANN) == before
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_forged_owner_does_not_press_the_button_of_another_member(journey: Journey) -> None:
    await journey.ask("/ask Tell me a story", BAO, GROUP_ID)
    await journey.idle()
    message = journey.sandbox.world.messages(GROUP_ID)[-1]
    (data, *_) = [each["callback_data"] for row in message["reply_markup"]["inline_keyboard"] for each in row]
    before = journey.sandbox.world.messages(GROUP_ID)
    forged(journey, data.replace(str(BAO), str(ANN)), ANN, GROUP_ID)
    forged(journey, f"settings:text:1:{ANN}", ANN, GROUP_ID)
    await journey.idle()
    assert [answer.get("text") for answer in answers(journey)] == [text("button.stale")] * 2
    assert journey.sandbox.world.messages(GROUP_ID) == before


async def test_button_of_a_message_that_telegram_does_not_show_is_run(journey: Journey) -> None:
    await journey.ask("/start")
    world = journey.sandbox.world
    hidden = {"chat": {"id": ANN, "type": "private", "first_name": "Ann"}, "message_id": 1, "date": 0}
    query = {"id": world.name("query"), "from": world.users[ANN], "chat_instance": "1"}
    world.updates.push("callback_query", {**query, "message": hidden, "data": f"topup:open:{ANN}"})
    await journey.idle()
    assert "wallet" in bot_texts(journey)[-1]


async def test_error_in_a_handler_is_logged_and_explained(journey: Journey, caplog: pytest.LogCaptureFixture) -> None:
    await journey.ask("/start")
    message = {**journey.sandbox.world.messages(ANN)[0], "message_id": 99}
    update = Update.de_json({"update_id": 8, "message": message}, journey.bot.bot)
    await journey.bot._application.process_error(update, ValueError("secret"))
    assert bot_texts(journey)[-1] == text("error.EngineError")
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "update 8 failed"


async def test_error_about_a_guest_is_told_to_no_chat_that_the_bot_is_not_in(journey: Journey) -> None:
    await journey.ask("/start")
    message = {**journey.sandbox.world.messages(ANN)[0], "message_id": 99, "guest_query_id": "1"}
    before = len(journey.sandbox.world.calls)
    update = Update.de_json({"update_id": 8, "guest_message": message}, journey.bot.bot)
    await journey.bot._application.process_error(update, ValueError("x"))
    assert [name for name, _ in journey.sandbox.world.calls[before:] if name.lower() == "sendmessage"] == []


async def test_error_outside_an_update_is_only_logged(journey: Journey, caplog: pytest.LogCaptureFixture) -> None:
    await journey.bot._application.process_error(None, ValueError("x"))
    assert "update 0 failed" in caplog.text


async def test_error_that_can_not_be_explained_is_no_further_error(journey: Journey) -> None:
    await journey.ask("/start")
    message = {**journey.sandbox.world.messages(ANN)[0], "message_id": 99}
    journey.sandbox.world.blocked.add(ANN)
    update = Update.de_json({"update_id": 8, "message": message}, journey.bot.bot)
    await journey.bot._application.process_error(update, ValueError("x"))
