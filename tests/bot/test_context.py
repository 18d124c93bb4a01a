from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from telegram import InlineKeyboardMarkup, Message, Update

from bot.buttons import button, rows
from bot.context import Context, arguments, claimed_update, thread_of
from storage.database.connection import Connection
from storage.telegram.inbox import ClaimedUpdate
from storage.tenants import tenant_settings, tenants
from tests.bot.contexts import context_of, private_message
from tests.journeys.conftest import ANN, OLGA, Journey


def sent_before(seconds: float) -> dict[str, Any]:
    return private_message(date=int((datetime.now(UTC) - timedelta(seconds=seconds)).timestamp()))


def keyboard() -> InlineKeyboardMarkup:
    return rows([button("x", "a", "b", owner=ANN)])


async def test_language_is_the_chosen_one_then_the_apps_then_english(journey: Journey) -> None:
    message = private_message()
    message["from"]["language_code"] = "vi"
    context = context_of(journey, message)
    assert context.language == "vi"
    state = await context.state()
    await journey.container.db.write(lambda conn: tenant_settings.set_language(conn, state.id, "en"))
    await context.state(fresh=True)
    assert context.language == "en"
    del message["from"]["language_code"]
    assert context_of(journey, message).language == "en"


async def test_language_of_the_app_is_stored_for_notices(journey: Journey) -> None:
    message = private_message()
    await context_of(journey, message).state()
    message["from"]["language_code"] = "vi"
    await context_of(journey, message).state()
    state = await context_of(journey, message).state()
    assert state.settings[tenants.APP_LANGUAGE] == "vi"


async def test_changed_name_is_stored(journey: Journey) -> None:
    message = private_message()
    first = await context_of(journey, message).state()
    message["from"] |= {"first_name": "Anna", "username": "anna"}
    await context_of(journey, message).state()
    second = await context_of(journey, message).state()
    assert (second.id, second.name, second.username) == (first.id, "Anna", "anna")


async def test_waiting_user_is_let_in_once_access_is_open(journey: Journey) -> None:
    def wait(conn: Connection) -> None:
        tenant_settings.set_access(conn, state.id, tenants.PENDING)

    context = context_of(journey, private_message())
    state = await context.state()
    await journey.container.db.write(wait)
    assert (await context.state(fresh=True)).access == tenants.ADMITTED


async def test_admins_are_those_of_the_settings(journey: Journey) -> None:
    assert context_of(journey, private_message(user=OLGA)).is_admin
    assert not context_of(journey, private_message(user=ANN)).is_admin


@pytest.mark.parametrize(
    ("seconds", "old"), [(60, False), (3500, False), (3700, True), (172_000, True), (173_000, False)]
)
async def test_stored_message_is_old_between_an_hour_and_two_days(journey: Journey, seconds: float, old: bool) -> None:
    context = context_of(journey, sent_before(seconds))
    assert not context.is_old
    token = claimed_update.set(ClaimedUpdate(1, 77, "x", "", 1, datetime.now(UTC)))
    try:
        assert context.is_old is old
        assert context.request_id == f"tg:{journey.bot.bot.id}:77"
    finally:
        claimed_update.reset(token)


async def test_long_reply_is_split_and_only_the_last_part_has_the_keyboard(journey: Journey) -> None:
    await context_of(journey, private_message()).reply("word " * 1500, keyboard())
    messages = journey.sandbox.world.messages(ANN)
    assert [bool(message.get("reply_markup")) for message in messages] == [False, True]


def pressed(journey: Journey, message: dict[str, Any]) -> Context:
    query = {"id": "1", "from": message["chat"] | {"is_bot": False}, "chat_instance": "1", "message": message}
    update = Update.de_json({"update_id": 1, "callback_query": query}, journey.bot.bot)
    return Context.from_update(update, journey.bot._application)


async def test_message_of_the_pressed_button_is_edited(journey: Journey) -> None:
    sent = await context_of(journey, private_message()).reply("one", keyboard())
    assert sent is not None
    context = pressed(journey, sent.to_dict())
    await context.edit_or_reply("two")
    await context.edit_or_reply("two")
    assert [message["text"] for message in journey.sandbox.world.messages(ANN)] == ["two"]


async def test_deleted_message_and_long_text_are_replaced_by_new_messages(journey: Journey) -> None:
    sent = await context_of(journey, private_message()).reply("one")
    assert sent is not None
    context = pressed(journey, sent.to_dict())
    await context.edit_or_reply("word " * 1500)
    await sent.delete()
    await context.edit_or_reply("two")
    texts = [message["text"] for message in journey.sandbox.world.messages(ANN)]
    assert " ".join(texts[:2]) == ("word " * 1500).rstrip()
    assert texts[2:] == ["two"]


def test_thread_is_that_of_a_topic_only() -> None:
    def message(**more: Any) -> Message | None:
        return Message.de_json({**private_message(), "message_thread_id": 9, **more}, None)

    assert thread_of(message(is_topic_message=True)) == 9
    assert thread_of(message()) is None
    assert thread_of(None) is None


async def test_command_without_arguments_has_none(journey: Journey) -> None:
    context = context_of(journey, private_message())
    assert arguments(context) == ()
    context.args = ["a"]
    assert arguments(context) == ["a"]
