"""Direct messages of a channel: one sentence in the sender's topic, and only if the bot is addressed."""

from typing import Any

import pytest

from sandbox.telegram.world import Chat
from tests.bot.contexts import text
from tests.journeys.conftest import ANN, Journey

CHANNEL_ID, TOPIC = -100777, 71


async def said(journey: Journey, words: str, **more: Any) -> list[dict[str, Any]]:
    """Send words to the channel and return the bot's messages."""
    world = journey.sandbox.world
    direct = {"is_direct_messages": True}
    world.chats[CHANNEL_ID] = Chat(CHANNEL_ID, "supergroup", "Tea news", (ANN,), more=direct)
    topic = {"topic_id": TOPIC, "user": world.users[ANN]}
    world.say(CHANNEL_ID, ANN, words, direct_messages_topic=topic, **more)
    await journey.idle()
    return [message for message in world.messages(CHANNEL_ID) if message["from"]["is_bot"]]


@pytest.mark.parametrize("words", ["/start", "/ask why?", "@farthing_sandbox_bot why?", "/why@farthing_sandbox_bot"])
async def test_addressed_message_is_declined_once_in_its_topic(journey: Journey, words: str) -> None:
    (declined,) = await said(journey, words)
    link = "https://t.me/farthing_sandbox_bot?start=start"
    assert declined["text"] == text("chat.direct_messages", link=link)
    assert declined["direct_messages_topic"]["topic_id"] == TOPIC
    assert await journey.rows("SELECT * FROM attempts") == []


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("Do you sell green tea?", {}),
        ("/menu", {}),
        ("/start@another_bot", {}),
        ("/start", {"sender_chat": {"id": -5, "type": "channel", "title": "Tea news"}}),
    ],
)
async def test_message_to_the_channel_or_from_it_is_left_alone(
    journey: Journey, words: str, more: dict[str, Any]
) -> None:
    assert await said(journey, words, **more) == []
