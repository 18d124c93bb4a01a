from typing import Any

import pytest

from bot.chat.handler import addressed, strip_mention
from bot.context import Context
from bot.groups.senders import ANONYMOUS
from tests.bot.contexts import GROUP, bot_texts, context_of, private_message, text
from tests.journeys.conftest import ANN, GROUP_ID, Journey


def group_message(words: str | None, journey: Journey, *, replies_to: int | None = None, **more: Any) -> dict[str, Any]:
    message = private_message(words, chat=GROUP, **more)
    if replies_to is not None:
        author = {"id": replies_to, "is_bot": replies_to == journey.bot.bot.id, "first_name": "x"}
        message["reply_to_message"] = {"message_id": 4, "date": 1, "chat": GROUP, "from": author, "text": "before"}
    return message


def is_addressed(journey: Journey, message: dict[str, Any]) -> bool:
    context = context_of(journey, message)
    assert context.incoming is not None
    assert context.incoming.message is not None
    return addressed(context.incoming.message, context)


def stripped(context: Context) -> str:
    assert context.incoming is not None
    assert context.incoming.message is not None
    return strip_mention(context.incoming.message, context)


async def test_group_messages_are_addressed_by_mention_or_reply_only(journey: Journey) -> None:
    bot = journey.bot.bot
    assert is_addressed(journey, private_message())
    assert not is_addressed(journey, group_message("hello", journey))
    assert not is_addressed(journey, group_message(None, journey))
    assert is_addressed(journey, group_message(f"hello @{bot.username.upper()}", journey))
    assert is_addressed(journey, group_message(None, journey, caption=f"@{bot.username} see"))
    assert is_addressed(journey, group_message("hello", journey, replies_to=bot.id))
    assert not is_addressed(journey, group_message("hello", journey, replies_to=ANN))


async def test_first_mention_is_stripped_in_groups_only(journey: Journey) -> None:
    name = journey.bot.bot.username
    said = f"hi @{name.upper()} and @{name}"
    assert stripped(context_of(journey, group_message(said, journey))) == f"hi  and @{name}"
    assert stripped(context_of(journey, private_message(said))) == said
    assert stripped(context_of(journey, group_message("no mention", journey))) == "no mention"


async def test_anonymous_senders_are_told_that_they_can_not_ask(journey: Journey) -> None:
    world, name = journey.sandbox.world, journey.bot.bot.username
    world.say(GROUP_ID, ANN, f"@{name} hello", sender_chat={"id": GROUP_ID, "type": "supergroup", "title": "Tea room"})
    world.users[ANONYMOUS] = {"id": ANONYMOUS, "is_bot": False, "first_name": "Group", "username": "GroupAnonymousBot"}
    world.say(GROUP_ID, ANONYMOUS, f"@{name} hello")
    await journey.idle()
    assert bot_texts(journey, GROUP_ID) == [text("chat.anonymous")] * 2
    assert await journey.rows("SELECT * FROM holds") == []


async def test_mention_without_text_is_unreadable(journey: Journey) -> None:
    journey.sandbox.world.say(GROUP_ID, ANN, f"@{journey.bot.bot.username}")
    await journey.idle()
    assert bot_texts(journey, GROUP_ID) == [text("chat.unreadable")]


@pytest.mark.parametrize("words", ["tell me about the sea"])
async def test_old_question_is_answered_only_after_its_button(journey: Journey, words: str) -> None:
    world = journey.sandbox.world
    message = world.post(ANN, world.users[ANN], {"text": words})
    world.updates.push("message", {**message, "date": message["date"] - 7200})
    await journey.idle()
    assert bot_texts(journey) == [text("chat.old_named", question=words)]
    assert await journey.rows("SELECT * FROM holds") == []
    await journey.press(text("chat.answer_old"))
    await world.wait_message(ANN, lambda m: "stand-in" in m.get("text", ""))
    await journey.idle()
    await journey.check_books()


async def test_quoted_text_of_a_reply_goes_with_the_question(journey: Journey) -> None:
    world = journey.sandbox.world
    first = world.post(ANN, world.users[ANN], {"text": "the tide tables"})
    world.say(ANN, ANN, "explain this", reply_to=first["message_id"])
    await journey.idle()
    (question, _) = await journey.rows("SELECT parts FROM messages ORDER BY id")
    assert "> the tide tables" in question["parts"]
    assert "explain this" in question["parts"]
