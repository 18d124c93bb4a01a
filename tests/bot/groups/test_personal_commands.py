"""Personal commands in a group: shown to their sender alone if possible, else in the private chat."""

from typing import Any

import pytest

from sandbox.telegram import messages, methods
from sandbox.telegram.groups import ephemeral
from sandbox.telegram.params import Params
from sandbox.telegram.world import BOT_ID, Chat, World
from tests.bot.contexts import bot_texts
from tests.journeys.conftest import ANN, GROUP_ID, OLGA, Journey


def room(journey: Journey) -> Chat:
    return journey.sandbox.world.chats[GROUP_ID]


async def said(journey: Journey, text: str, user: int = ANN) -> None:
    journey.sandbox.world.say(GROUP_ID, user, text)
    await journey.idle()


def shown(journey: Journey) -> list[tuple[int, str]]:
    return [(each["receiver_user"]["id"], each["text"]) for each in room(journey).ephemeral.values()]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("usage", "This period"),
        ("plan", "Your plan: free"),
        ("limit", "Spending limits"),
        ("keys", "API keys"),
        ("model", "Which model"),
        ("why", "no receipt"),
    ],
)
async def test_admin_bot_answers_the_sender_alone(journey: Journey, command: str, words: str) -> None:
    room(journey).admins = (OLGA, BOT_ID)
    await said(journey, f"/{command}")
    ((reader, text),) = shown(journey)
    assert reader == ANN
    assert words in text
    assert bot_texts(journey, GROUP_ID) == []


async def test_buttons_of_such_an_answer_lead_to_the_private_chat(journey: Journey) -> None:
    room(journey).admins = (OLGA, BOT_ID)
    await said(journey, "/plan")
    (message,) = room(journey).ephemeral.values()
    link = f"https://t.me/{journey.bot.bot.username}?start=plan"
    assert message["reply_markup"]["inline_keyboard"] == [[{"text": "Open private chat", "url": link}]]


async def test_ephemeral_command_is_answered_in_kind_by_a_bot_that_is_no_admin(journey: Journey) -> None:
    for text in ("/usage", "/nonsense@" + str(journey.bot.bot.username), "/export"):
        ephemeral.command(journey.sandbox.world, GROUP_ID, ANN, text)
        await journey.idle()
    texts = [text for _, text in shown(journey)]
    assert ["This period" in texts[0], "don't know" in texts[1], "private chat" in texts[2]] == [True] * 3
    assert bot_texts(journey, GROUP_ID) == []


@pytest.mark.parametrize("text", ["/usage", "/export", "/limit 5¢"])
async def test_others_point_to_the_private_chat_and_change_nothing(journey: Journey, text: str) -> None:
    await said(journey, text)
    (pointed,) = bot_texts(journey, GROUP_ID)
    assert "private chat" in pointed
    assert shown(journey) == []
    await journey.ask("/limit")
    assert "no limit" in bot_texts(journey)[-1]


async def test_older_server_that_ignores_the_parameters_is_found_out_before_anything_is_shown(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(journey).admins = (OLGA, BOT_ID)
    monkeypatch.delitem(methods.METHODS, "deleteephemeralmessage")
    await said(journey, "/usage")
    assert ["private chat" in text for text in bot_texts(journey, GROUP_ID)] == [True]


async def test_answer_that_everybody_would_see_is_deleted_at_once(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send_for_all(world: World, params: Params) -> Any:
        """Ignore the new parameter, as a server of another version would."""
        return await messages.send_message(world, {**params, "ephemeral_message_parameters": ""})

    room(journey).admins = (OLGA, BOT_ID)
    monkeypatch.setitem(methods.METHODS, "sendmessage", send_for_all)
    await said(journey, "/usage")
    await said(journey, "/usage")
    assert ["private chat" in text for text in bot_texts(journey, GROUP_ID)] == [True] * 2
    assert [name for name, _ in journey.sandbox.world.calls].count("deleteMessage") == 1
